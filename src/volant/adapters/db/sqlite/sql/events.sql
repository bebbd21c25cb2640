-- name: head
SELECT seq, chain FROM event WHERE stream = ? ORDER BY seq DESC LIMIT 1;

-- name: heads
SELECT e.stream, e.seq, e.chain FROM (SELECT stream, max(seq) AS seq FROM event GROUP BY stream) AS last
JOIN event AS e ON e.stream = last.stream AND e.seq = last.seq ORDER BY e.stream;

-- name: add
INSERT INTO event (id, stream, seq, kind, data, actor, recorded_at, chain) VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: read
SELECT id, stream, seq, kind, data, actor, recorded_at, chain FROM event WHERE stream = ? AND seq > ? ORDER BY seq;

-- name: latest
SELECT id, stream, seq, kind, data, actor, recorded_at, chain FROM event ORDER BY position DESC LIMIT ? OFFSET ?;

-- name: changed
SELECT stream, max(position) FROM event WHERE position > ? GROUP BY +stream;
-- The plus keeps to new rows: without it the index on streams is walked whole.

-- name: last_position
SELECT coalesce(max(position), 0) FROM event;

-- name: streams
SELECT DISTINCT stream FROM event ORDER BY stream;

-- name: add_effect
INSERT INTO effect (id, kind, payload, recorded_at) VALUES (?, ?, ?, ?);

-- name: pending
SELECT id, kind, payload, recorded_at FROM effect WHERE done_at IS NULL ORDER BY position LIMIT ?;

-- name: done
UPDATE effect SET done_at = ? WHERE id = ? AND done_at IS NULL;

-- name: last_checkpoint
SELECT number, chain FROM checkpoint ORDER BY number DESC LIMIT 1;

-- name: add_checkpoint
INSERT INTO checkpoint (number, recorded_at, heads, chain) VALUES (?, ?, ?, ?);

-- name: newest_checkpoint
SELECT number, recorded_at, heads, chain FROM checkpoint ORDER BY number DESC LIMIT 1;

-- name: checkpoints
SELECT number, recorded_at, heads, chain FROM checkpoint WHERE number > ? ORDER BY number;
