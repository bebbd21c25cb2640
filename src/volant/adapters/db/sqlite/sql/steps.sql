-- name: get
SELECT body FROM step_result WHERE key = ?;

-- name: put
INSERT OR REPLACE INTO step_result (key, step, body) VALUES (?, ?, ?);

-- name: latest
SELECT body FROM step_result WHERE step = ? ORDER BY written DESC LIMIT 1;
