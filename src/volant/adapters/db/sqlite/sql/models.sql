-- name: last_number
SELECT coalesce(max(number), 0) FROM model_version WHERE model = ?;

-- name: add
INSERT INTO model_version (model, number, package, body) VALUES (?, ?, ?, ?);

-- name: get
SELECT body FROM model_version WHERE model = ? AND number = ?;

-- name: versions
SELECT body FROM model_version WHERE model = ? ORDER BY number DESC;

-- name: numbers
SELECT number FROM model_version WHERE model = ? ORDER BY number;

-- name: with_package
SELECT body FROM model_version WHERE model = ? AND package = ?;

-- name: models
SELECT DISTINCT model FROM model_version ORDER BY model;

-- name: set_alias
INSERT INTO model_alias (model, alias, number) VALUES (?, ?, ?)
ON CONFLICT (model, alias) DO UPDATE SET number = excluded.number;

-- name: remove_alias
DELETE FROM model_alias WHERE model = ? AND alias = ?;

-- name: aliases
SELECT alias, number FROM model_alias WHERE model = ? ORDER BY alias;
