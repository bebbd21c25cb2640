-- name: winners
SELECT l.subject_kind, l.subject, l.value FROM json_each(:subjects) AS wanted
JOIN label AS l ON l.position = (
    SELECT position FROM label
    WHERE model = :model AND subject_kind = wanted.value ->> 0 AND subject = wanted.value ->> 1
    ORDER BY position DESC LIMIT 1
);

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
