-- name: basis
SELECT revision, basis FROM watch_basis WHERE model = ?;

-- name: bases
SELECT model, revision, basis FROM watch_basis;

-- name: live_heads
SELECT model, max(epoch), substr(body, 1, ? + 6 * length(CAST(model AS BLOB))) FROM watch_live GROUP BY model;

-- name: sources
SELECT source, lines FROM watch_source WHERE model = ?;

-- name: set_basis
INSERT INTO watch_basis (model, revision, basis) VALUES (:model, :revision, :basis)
ON CONFLICT (model) DO UPDATE SET revision = :revision, basis = :basis;

-- name: set_source
INSERT INTO watch_source (model, source, lines) VALUES (?, ?, ?)
ON CONFLICT (model, source) DO UPDATE SET lines = excluded.lines;

-- name: set_window
INSERT INTO watch_window (model, epoch, arm, number, from_us, to_us, rows, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (model, epoch, arm, number) DO UPDATE
SET from_us = excluded.from_us, to_us = excluded.to_us, rows = excluded.rows, body = excluded.body;

-- name: forget_windows
DELETE FROM watch_window WHERE model = ?;

-- name: forget_sources
DELETE FROM watch_source WHERE model = ?;

-- name: extents
SELECT number, from_us, to_us, rows FROM watch_window WHERE model = ? AND epoch = ? AND arm = ? ORDER BY number;

-- name: get
SELECT body FROM watch_window WHERE model = ? AND epoch = ? AND arm = ? AND number = ?;

-- name: latest
SELECT body FROM watch_window WHERE model = ? AND epoch = ? AND arm = ? ORDER BY number DESC LIMIT ?;

-- name: arms
SELECT DISTINCT epoch, arm FROM watch_window WHERE model = ? ORDER BY epoch, arm;

-- name: keep_live
INSERT INTO watch_live (model, epoch, body) VALUES (?, ?, ?) ON CONFLICT (model, epoch) DO UPDATE SET body = excluded.body;

-- name: live
SELECT body FROM watch_live WHERE model = ? AND epoch = ?;

-- name: lives
SELECT body FROM watch_live WHERE model = ? ORDER BY epoch DESC LIMIT ?;

-- name: set_shape
INSERT INTO watch_shape (model, epoch, arm, number, body) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (model, epoch, arm, number) DO UPDATE SET body = excluded.body;

-- name: forget_shapes
DELETE FROM watch_shape WHERE model = ?;

-- name: shape
SELECT body FROM watch_shape WHERE model = ? AND epoch = ? AND arm = ? AND number = ?;

-- name: shapes
SELECT body FROM watch_shape WHERE model = ? AND epoch = ? AND arm = ? ORDER BY number DESC LIMIT ?;

-- name: keep_drift
INSERT INTO watch_drift (model, epoch, body) VALUES (?, ?, ?) ON CONFLICT (model, epoch) DO UPDATE SET body = excluded.body;

-- name: drift
SELECT body FROM watch_drift WHERE model = ? AND epoch = ?;

-- name: keep_reference
INSERT INTO watch_reference (model, version, digest) VALUES (?, ?, ?)
ON CONFLICT (model, version) DO UPDATE SET digest = excluded.digest;

-- name: reference
SELECT digest FROM watch_reference WHERE model = ? AND version = ?;
