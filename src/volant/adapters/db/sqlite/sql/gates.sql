-- name: add
INSERT INTO gate_report (id, model, package, body) VALUES (?, ?, ?, ?);

-- name: get
SELECT body FROM gate_report WHERE id = ?;

-- name: for_package
SELECT body FROM gate_report WHERE model = ? AND package = ? ORDER BY position DESC;

-- name: changed
SELECT model, max(position) FROM gate_report WHERE position > ? GROUP BY +model;

-- name: last_position
SELECT coalesce(max(position), 0) FROM gate_report;

-- name: reports
SELECT body FROM gate_report WHERE model = ? ORDER BY position DESC;
