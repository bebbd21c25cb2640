-- name: add
INSERT OR IGNORE INTO segment (id, model, worker, digest, rows, first_at, last_at, sealed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: segments
SELECT id, model, worker, digest, rows, first_at, last_at, sealed_at FROM segment WHERE model = ? ORDER BY first_at, id;
