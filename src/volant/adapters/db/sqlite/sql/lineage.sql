-- name: add
INSERT OR IGNORE INTO edge (source, target, role) VALUES (?, ?, ?);

-- name: into
SELECT source, target, role FROM edge WHERE target = ? ORDER BY source, role;

-- name: out_of
SELECT source, target, role FROM edge WHERE source = ? ORDER BY target, role;
