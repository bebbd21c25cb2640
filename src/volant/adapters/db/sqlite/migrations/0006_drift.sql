-- What the rows of each window look like beside the reference of the champion that answered them.
CREATE TABLE watch_shape (
    model  TEXT    NOT NULL,
    epoch  INTEGER NOT NULL,
    arm    TEXT    NOT NULL,
    number INTEGER NOT NULL,
    body   BLOB    NOT NULL,
    PRIMARY KEY (model, epoch, arm, number)
) STRICT, WITHOUT ROWID;

-- Which columns moved under each epoch's champion, as known when it was last computed.
CREATE TABLE watch_drift (
    model TEXT    NOT NULL,
    epoch INTEGER NOT NULL,
    body  BLOB    NOT NULL,
    PRIMARY KEY (model, epoch)
) STRICT, WITHOUT ROWID;

-- The object that holds what a version's own rows looked like.
CREATE TABLE watch_reference (
    model   TEXT    NOT NULL,
    version INTEGER NOT NULL,
    digest  TEXT    NOT NULL,
    PRIMARY KEY (model, version)
) STRICT, WITHOUT ROWID;
