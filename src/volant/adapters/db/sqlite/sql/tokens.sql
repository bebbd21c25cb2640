-- name: live
SELECT 1 FROM token WHERE name = :name AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > :now);

-- name: add
INSERT INTO token (name, role, digest, created_at, expires_at, revoked_at) VALUES (?, ?, ?, ?, ?, ?);

-- name: with_digest
SELECT name, role, digest, created_at, expires_at, revoked_at FROM token WHERE digest = ?;

-- name: tokens
SELECT name, role, digest, created_at, expires_at, revoked_at FROM token ORDER BY name, position;

-- name: revoke
UPDATE token SET revoked_at = :now WHERE name = :name AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > :now);
