-- name: add
INSERT INTO alert (id, model, number, cause, is_open, seq, body) VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: update
UPDATE alert SET is_open = ?, seq = ?, body = ? WHERE id = ?;

-- name: get
SELECT body FROM alert WHERE id = ?;

-- name: numbered
SELECT body FROM alert WHERE model = ? AND number = ?;

-- name: open_cause
SELECT body FROM alert WHERE model = ? AND cause = ? AND is_open;

-- name: open
SELECT body FROM alert WHERE is_open ORDER BY position DESC;

-- name: open_of_model
SELECT body FROM alert WHERE is_open AND model = ? ORDER BY position DESC;

-- name: all
SELECT body FROM alert WHERE model = ? AND number < ? ORDER BY number DESC LIMIT ?;

-- name: last
SELECT coalesce(max(number), 0), coalesce((SELECT max(seq) FROM alert WHERE model = :model), 0) FROM alert WHERE model = :model;

-- name: send
INSERT OR IGNORE INTO alert_delivery (id, model, alert, target, notice, recorded_at, tries, next_at) VALUES (?, ?, ?, ?, ?, ?, 0, ?);

-- name: due
SELECT id, model, alert, target, notice, recorded_at, tries, next_at, error, done_at, given_up_at FROM (
    SELECT *, row_number() OVER (PARTITION BY target ORDER BY position) AS place FROM alert_delivery AS one
    WHERE next_at IS NOT NULL AND (next_at <= :now OR next_at > :now + :longest_wait)
    AND NOT EXISTS (
        SELECT 1 FROM alert_delivery
        WHERE next_at IS NOT NULL AND alert = one.alert AND target = one.target AND position < one.position
    )
)
WHERE place <= :limit ORDER BY position;

-- name: waiting
SELECT id, model, alert, target, notice, recorded_at, tries, next_at, error, done_at, given_up_at FROM alert_delivery
WHERE target = ? AND next_at IS NOT NULL ORDER BY position LIMIT ?;

-- name: claim
UPDATE alert_delivery SET tries = tries + 1, next_at = ?, error = NULL WHERE id = ? AND tries = ? AND next_at IS NOT NULL;

-- name: delivered
UPDATE alert_delivery SET next_at = NULL, error = NULL, done_at = ? WHERE id = ? AND next_at IS NOT NULL;

-- name: failed
UPDATE alert_delivery SET next_at = ?, error = ? WHERE id = ? AND next_at IS NOT NULL;

-- name: give_up
UPDATE alert_delivery SET next_at = NULL, given_up_at = ?, error = ? WHERE id = ? AND next_at IS NOT NULL;

-- name: deliveries
SELECT id, model, alert, target, notice, recorded_at, tries, next_at, error, done_at, given_up_at FROM alert_delivery
WHERE alert = ? ORDER BY position;

-- name: forget_deliveries
DELETE FROM alert_delivery WHERE next_at IS NULL AND recorded_at < ?;

-- name: troubled
SELECT id, model, alert, target, notice, recorded_at, tries, next_at, error, done_at, given_up_at FROM alert_delivery
WHERE model = ? AND error IS NOT NULL ORDER BY position DESC LIMIT ?;
