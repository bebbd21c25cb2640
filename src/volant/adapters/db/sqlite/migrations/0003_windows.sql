-- What the prediction log says, window by window; made anew from the log where the basis changes.
CREATE TABLE watch_window (
    model   TEXT    NOT NULL,
    epoch   INTEGER NOT NULL,
    arm     TEXT    NOT NULL,
    number  INTEGER NOT NULL,
    from_us INTEGER NOT NULL,
    to_us   INTEGER NOT NULL,
    rows    INTEGER NOT NULL,
    body    BLOB    NOT NULL,
    PRIMARY KEY (model, epoch, arm, number)
) STRICT, WITHOUT ROWID;

-- How many lines of each source of the log the windows of a model cover, and which commit that was.
CREATE TABLE watch_source (
    model  TEXT    NOT NULL,
    source TEXT    NOT NULL,
    lines  INTEGER NOT NULL,
    PRIMARY KEY (model, source)
) STRICT, WITHOUT ROWID;

CREATE TABLE watch_basis (
    model    TEXT    NOT NULL PRIMARY KEY,
    revision INTEGER NOT NULL,
    basis    TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
