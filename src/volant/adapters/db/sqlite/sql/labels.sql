-- name: winner
SELECT value FROM label WHERE model = ? AND subject_kind = ? AND subject = ? ORDER BY position DESC LIMIT 1;

-- name: add
INSERT INTO label (model, subject_kind, subject, value, known_at, recorded_at, source) VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: current
SELECT subject_kind, subject, value, known_at, recorded_at, source FROM label
WHERE position IN (
    SELECT max(position) FROM label INDEXED BY label_of_subject
    WHERE model = ? AND known_at <= ? AND position <= ? GROUP BY subject_kind, subject
)
ORDER BY position;

-- name: current_of
SELECT subject_kind, subject, value, known_at, recorded_at, source, position FROM label
WHERE model = ? AND subject_kind = ? AND subject = ? AND known_at <= ? AND position <= ? ORDER BY position DESC LIMIT 1;

-- name: count
SELECT count(*) FROM (
    SELECT 1 FROM label WHERE model = :model AND known_at <= :known_by AND recorded_at > :recorded_after AND position <= :revision
    GROUP BY subject_kind, subject
);

-- name: count_recorded
SELECT count(*) FROM (
    SELECT DISTINCT subject_kind, subject FROM label INDEXED BY label_recorded
    WHERE model = :model AND recorded_at > :recorded_after AND known_at <= :known_by AND position <= :revision
);

-- name: known_until
SELECT known_at FROM label INDEXED BY label_known WHERE model = ? AND known_at <= ? AND position <= ? ORDER BY known_at DESC LIMIT 1;

-- name: history
SELECT subject_kind, subject, value, known_at, recorded_at, source FROM label
WHERE model = ? AND subject_kind IN (0, 1) AND subject = ? ORDER BY position;

-- name: changed
SELECT model, max(position) FROM label WHERE position > ? GROUP BY +model;

-- name: last_position
SELECT coalesce(max(position), 0) FROM label;

-- name: revision
SELECT position FROM label NOT INDEXED WHERE model = ? ORDER BY position DESC LIMIT 1;

-- name: revision_by
SELECT position FROM label NOT INDEXED WHERE model = ? AND recorded_at <= ? ORDER BY position DESC LIMIT 1;
