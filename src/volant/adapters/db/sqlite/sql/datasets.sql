-- name: last_number
SELECT coalesce(max(number), 0) FROM dataset_version WHERE dataset = ?;

-- name: add
INSERT INTO dataset_version (dataset, number, digest, body) VALUES (?, ?, ?, ?);

-- name: get
SELECT body FROM dataset_version WHERE dataset = ? AND number = ?;

-- name: latest
SELECT body FROM dataset_version WHERE dataset = ? ORDER BY number DESC LIMIT 1;

-- name: with_digest
SELECT body FROM dataset_version WHERE dataset = ? AND digest = ? ORDER BY number DESC LIMIT 1;

-- name: versions
SELECT body FROM dataset_version WHERE dataset = ? ORDER BY number;

-- name: datasets
SELECT DISTINCT dataset FROM dataset_version ORDER BY dataset;
