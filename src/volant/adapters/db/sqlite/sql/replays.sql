-- name: add
INSERT INTO replay (id, model, recorded_at, result, summary) VALUES (?, ?, ?, ?, ?);

-- name: get
SELECT id, model, recorded_at, result, summary FROM replay WHERE id = ?;

-- name: replays
SELECT id, model, recorded_at, result, summary FROM replay WHERE model = ? ORDER BY position DESC;
