-- name: create
INSERT INTO run (id, revision, experiment, name, status, started_at, ended_at, source, git_commit, git_dirty, patch,
                 environment, dataset, dataset_version, pipeline, error)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: update
UPDATE run SET revision = ?, experiment = ?, name = ?, status = ?, started_at = ?, ended_at = ?, source = ?, git_commit = ?,
               git_dirty = ?, patch = ?, environment = ?, dataset = ?, dataset_version = ?, pipeline = ?, error = ?
WHERE id = ?;

-- name: move_metrics
UPDATE latest_metric SET experiment = ? WHERE run_id = ? AND experiment <> ?;

-- name: stored
SELECT revision, experiment FROM run WHERE id = ?;

-- name: beginning_with
SELECT id FROM run WHERE id >= ? AND id < ? ORDER BY id LIMIT 6;

-- name: rows
SELECT id, revision, experiment, name, status, started_at, ended_at, source, git_commit, git_dirty, patch, environment,
       dataset, dataset_version, pipeline, error
FROM run WHERE id IN (SELECT value FROM json_each(?));

-- name: params
SELECT run_id, key, value FROM run_param WHERE run_id IN (SELECT value FROM json_each(?)) ORDER BY run_id, key;

-- name: tags
SELECT run_id, key, value FROM run_tag WHERE run_id IN (SELECT value FROM json_each(?)) ORDER BY run_id, key;

-- name: metrics
SELECT run_id, key, is_nan, value FROM latest_metric WHERE run_id IN (SELECT value FROM json_each(?)) ORDER BY run_id, key;

-- name: artifacts
SELECT run_id, path, digest, size_bytes FROM run_artifact WHERE run_id IN (SELECT value FROM json_each(?)) ORDER BY run_id, path;

-- name: steps
SELECT run_id, position, step, key, cached, status, duration_us, detail
FROM run_step WHERE run_id IN (SELECT value FROM json_each(?)) ORDER BY run_id, position;

-- name: newest
SELECT id FROM run ORDER BY started_at DESC, id DESC LIMIT :limit OFFSET :offset;

-- name: newest_in_experiment
SELECT id FROM run WHERE experiment = :experiment ORDER BY started_at DESC, id DESC LIMIT :limit OFFSET :offset;

-- Of equal values the greater id comes first (ids sort by time of making): then the index is the order, and nothing is sorted.
-- name: highest
SELECT run_id FROM latest_metric WHERE key = :key AND is_nan = :is_nan
ORDER BY value DESC, run_id DESC LIMIT :limit OFFSET :offset;

-- name: lowest
SELECT run_id FROM latest_metric WHERE key = :key AND is_nan = :is_nan
ORDER BY value, run_id DESC LIMIT :limit OFFSET :offset;

-- name: highest_in_experiment
SELECT run_id FROM latest_metric WHERE experiment = :experiment AND key = :key AND is_nan = :is_nan
ORDER BY value DESC, run_id DESC LIMIT :limit OFFSET :offset;

-- name: lowest_in_experiment
SELECT run_id FROM latest_metric WHERE experiment = :experiment AND key = :key AND is_nan = :is_nan
ORDER BY value, run_id DESC LIMIT :limit OFFSET :offset;

-- name: count
SELECT count(*) FROM latest_metric WHERE key = :key AND is_nan = :is_nan;

-- name: count_in_experiment
SELECT count(*) FROM latest_metric WHERE experiment = :experiment AND key = :key AND is_nan = :is_nan;

-- name: without
SELECT id FROM run AS r WHERE NOT EXISTS (SELECT 1 FROM latest_metric WHERE run_id = r.id AND key = :key)
ORDER BY started_at DESC, id DESC LIMIT :limit OFFSET :offset;

-- name: without_in_experiment
SELECT id FROM run AS r WHERE experiment = :experiment
AND NOT EXISTS (SELECT 1 FROM latest_metric WHERE run_id = r.id AND key = :key)
ORDER BY started_at DESC, id DESC LIMIT :limit OFFSET :offset;

-- name: param
SELECT value FROM run_param WHERE run_id = ? AND key = ?;

-- name: add_param
INSERT OR IGNORE INTO run_param (run_id, key, value) VALUES (?, ?, ?);

-- name: set_tag
INSERT INTO run_tag (run_id, key, value) VALUES (?, ?, ?)
ON CONFLICT (run_id, key) DO UPDATE SET value = excluded.value;

-- name: add_point
INSERT OR IGNORE INTO metric_point (run_id, key, step, timestamp_us, is_nan, value) VALUES (?, ?, ?, ?, ?, ?);

-- name: set_latest
INSERT INTO latest_metric (run_id, key, experiment, step, timestamp_us, is_nan, value) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (run_id, key) DO UPDATE
SET step = excluded.step, timestamp_us = excluded.timestamp_us, is_nan = excluded.is_nan, value = excluded.value
WHERE (excluded.step, excluded.timestamp_us, -excluded.is_nan, excluded.value) > (step, timestamp_us, -is_nan, value);

-- name: history
SELECT value, is_nan, timestamp_us, step FROM metric_point WHERE run_id = ? AND key = ? ORDER BY step, timestamp_us, is_nan, value;

-- name: add_artifact
INSERT INTO run_artifact (run_id, path, digest, size_bytes) VALUES (?, ?, ?, ?)
ON CONFLICT (run_id, path) DO UPDATE SET digest = excluded.digest, size_bytes = excluded.size_bytes;

-- name: add_step
INSERT OR REPLACE INTO run_step (run_id, position, step, key, cached, status, duration_us, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?);
