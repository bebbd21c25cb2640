-- name: add
INSERT INTO inspection (id, model, kind, body) VALUES (?, ?, ?, ?);

-- name: newest
SELECT body FROM inspection WHERE model = ? AND kind = ? ORDER BY position DESC LIMIT 1;

-- name: inspections
SELECT body FROM inspection WHERE model = ? ORDER BY position DESC LIMIT ?;
