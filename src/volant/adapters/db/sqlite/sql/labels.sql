-- name: winner
SELECT value FROM label WHERE model = ? AND subject_kind = ? AND subject = ? ORDER BY position DESC LIMIT 1;

-- name: add
INSERT INTO label (model, subject_kind, subject, value, known_at, recorded_at, source) VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: current
SELECT subject_kind, subject, value, known_at, recorded_at, source FROM label
WHERE position IN (SELECT max(position) FROM label WHERE model = ? AND known_at <= ? GROUP BY subject_kind, subject)
ORDER BY position;

-- name: count
SELECT count(*) FROM (
    SELECT 1 FROM label WHERE model = ? AND known_at <= ? AND recorded_at > ? GROUP BY subject_kind, subject
);

-- name: history
SELECT subject_kind, subject, value, known_at, recorded_at, source FROM label
WHERE model = ? AND subject_kind IN (0, 1) AND subject = ? ORDER BY position;

-- name: revision
SELECT position FROM label WHERE model = ? ORDER BY position DESC LIMIT 1;
