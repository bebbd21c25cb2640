-- What needs a person's attention: one open row for each model and cause. The row follows the events of alert/MODEL.
CREATE TABLE alert (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id       TEXT    NOT NULL UNIQUE,
    model    TEXT    NOT NULL,
    number   INTEGER NOT NULL,
    cause    TEXT    NOT NULL,
    is_open  INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    body     BLOB    NOT NULL,
    UNIQUE (model, number)
) STRICT;
CREATE UNIQUE INDEX alert_open ON alert (model, cause) WHERE is_open;
CREATE INDEX alert_open_newest ON alert (position) WHERE is_open;
CREATE INDEX alert_open_of_model ON alert (model, position) WHERE is_open;
CREATE INDEX alert_last_event ON alert (model, seq);

-- Outbox: what is told to whom. next_at is NULL once it arrived or was given up.
CREATE TABLE alert_delivery (
    position    INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT    NOT NULL UNIQUE,
    model       TEXT    NOT NULL,
    alert       TEXT    NOT NULL,
    target      TEXT    NOT NULL,
    notice      BLOB    NOT NULL,
    recorded_at INTEGER NOT NULL,
    tries       INTEGER NOT NULL,
    next_at     INTEGER,
    error       TEXT,
    done_at     INTEGER,
    given_up_at INTEGER
) STRICT;
CREATE INDEX alert_delivery_waiting ON alert_delivery (position) WHERE next_at IS NOT NULL;
CREATE INDEX alert_delivery_queue ON alert_delivery (alert, target, position) WHERE next_at IS NOT NULL;
CREATE INDEX alert_delivery_of_alert ON alert_delivery (alert, position);
CREATE INDEX alert_delivery_troubled ON alert_delivery (model, position) WHERE error IS NOT NULL;
