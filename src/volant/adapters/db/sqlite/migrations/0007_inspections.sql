-- Closer looks at the log, each with what it was made from.
CREATE TABLE inspection (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id       TEXT    NOT NULL UNIQUE,
    model    TEXT    NOT NULL,
    kind     TEXT    NOT NULL,
    body     BLOB    NOT NULL
) STRICT;
CREATE INDEX inspection_of_model ON inspection (model, kind, position);
