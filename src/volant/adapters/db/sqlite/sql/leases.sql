-- name: get
SELECT holder, fence, ttl_us, expires_at FROM lease WHERE name = ?;

-- name: held
SELECT name, holder, fence, ttl_us, expires_at FROM lease WHERE name >= ? AND substr(name, 1, ?) = ? AND holder IS NOT NULL ORDER BY name;

-- name: put
INSERT OR REPLACE INTO lease (name, holder, fence, ttl_us, expires_at) VALUES (?, ?, ?, ?, ?);

-- name: release
UPDATE lease SET holder = NULL, expires_at = 0 WHERE name = ? AND holder = ?;
