-- Everything one project stores. Instants are microseconds since 1970 UTC. A column named body holds canonical JSON of a value.

-- Event streams: append-only, chained (kernel/events.py). position orders events over all streams.
CREATE TABLE event (
    position    INTEGER PRIMARY KEY AUTOINCREMENT,
    stream      TEXT    NOT NULL,
    seq         INTEGER NOT NULL,
    id          TEXT    NOT NULL UNIQUE,
    kind        TEXT    NOT NULL,
    data        BLOB    NOT NULL,
    actor       TEXT    NOT NULL,
    recorded_at INTEGER NOT NULL,
    chain       TEXT    NOT NULL,
    UNIQUE (stream, seq)
) STRICT;

-- Outbox: work that follows from events.
CREATE TABLE effect (
    position    INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT    NOT NULL UNIQUE,
    kind        TEXT    NOT NULL,
    payload     BLOB    NOT NULL,
    recorded_at INTEGER NOT NULL,
    done_at     INTEGER
) STRICT;
CREATE INDEX effect_pending ON effect (position) WHERE done_at IS NULL;

-- Heads of all streams at one moment, chained.
CREATE TABLE checkpoint (
    number      INTEGER PRIMARY KEY,
    recorded_at INTEGER NOT NULL,
    heads       BLOB    NOT NULL,
    chain       TEXT    NOT NULL
) STRICT;

CREATE TABLE dataset_version (
    dataset TEXT    NOT NULL,
    number  INTEGER NOT NULL,
    digest  TEXT    NOT NULL,
    body    BLOB    NOT NULL,
    PRIMARY KEY (dataset, number)
) STRICT;
CREATE INDEX dataset_version_content ON dataset_version (dataset, digest, number);

CREATE TABLE run (
    id              TEXT    NOT NULL PRIMARY KEY,
    revision        INTEGER NOT NULL,
    experiment      TEXT    NOT NULL,
    name            TEXT    NOT NULL,
    status          TEXT    NOT NULL,
    started_at      INTEGER NOT NULL,
    ended_at        INTEGER,
    source          TEXT    NOT NULL,
    git_commit      TEXT,
    git_dirty       INTEGER NOT NULL,
    patch           TEXT,
    environment     TEXT,
    dataset         TEXT,
    dataset_version INTEGER,
    pipeline        TEXT,
    error           TEXT
) STRICT;
CREATE INDEX run_newest ON run (started_at, id);
CREATE INDEX run_newest_in_experiment ON run (experiment, started_at, id);

CREATE TABLE run_param (
    run_id TEXT NOT NULL,
    key    TEXT NOT NULL,
    value  TEXT NOT NULL,
    PRIMARY KEY (run_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_tag (
    run_id TEXT NOT NULL,
    key    TEXT NOT NULL,
    value  TEXT NOT NULL,
    PRIMARY KEY (run_id, key)
) STRICT, WITHOUT ROWID;

-- SQLite stores NaN as NULL, so it has a column of its own; the value is 0 then. Infinities are REAL values.
CREATE TABLE metric_point (
    run_id       TEXT    NOT NULL,
    key          TEXT    NOT NULL,
    step         INTEGER NOT NULL,
    timestamp_us INTEGER NOT NULL,
    is_nan       INTEGER NOT NULL,
    value        REAL    NOT NULL,
    PRIMARY KEY (run_id, key, step, timestamp_us, is_nan, value)
) STRICT, WITHOUT ROWID;

-- The latest point of each metric of each run, so that ranking runs is a walk along an index.
CREATE TABLE latest_metric (
    run_id       TEXT    NOT NULL,
    key          TEXT    NOT NULL,
    experiment   TEXT    NOT NULL,
    step         INTEGER NOT NULL,
    timestamp_us INTEGER NOT NULL,
    is_nan       INTEGER NOT NULL,
    value        REAL    NOT NULL,
    PRIMARY KEY (run_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX latest_metric_rank ON latest_metric (key, is_nan, value);
CREATE INDEX latest_metric_rank_in_experiment ON latest_metric (experiment, key, is_nan, value);

CREATE TABLE run_artifact (
    run_id     TEXT    NOT NULL,
    path       TEXT    NOT NULL,
    digest     TEXT    NOT NULL,
    size_bytes INTEGER NOT NULL,
    PRIMARY KEY (run_id, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_step (
    run_id      TEXT    NOT NULL,
    position    INTEGER NOT NULL,
    step        TEXT    NOT NULL,
    key         TEXT,
    cached      INTEGER NOT NULL,
    status      TEXT    NOT NULL,
    duration_us INTEGER NOT NULL,
    detail      TEXT    NOT NULL,
    PRIMARY KEY (run_id, position)
) STRICT, WITHOUT ROWID;

-- Cached results. written orders them by writing, whatever the clock did.
CREATE TABLE step_result (
    written INTEGER PRIMARY KEY AUTOINCREMENT,
    key     TEXT NOT NULL UNIQUE,
    step    TEXT NOT NULL,
    body    BLOB NOT NULL
) STRICT;
CREATE INDEX step_result_newest ON step_result (step, written);

CREATE TABLE gate_report (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id       TEXT NOT NULL UNIQUE,
    model    TEXT NOT NULL,
    package  TEXT NOT NULL,
    body     BLOB NOT NULL
) STRICT;
CREATE INDEX gate_report_of_package ON gate_report (model, package, position);

CREATE TABLE model_version (
    model   TEXT    NOT NULL,
    number  INTEGER NOT NULL,
    package TEXT    NOT NULL,
    body    BLOB    NOT NULL,
    PRIMARY KEY (model, number),
    UNIQUE (model, package)
) STRICT;

CREATE TABLE model_alias (
    model  TEXT    NOT NULL,
    alias  TEXT    NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (model, alias)
) STRICT, WITHOUT ROWID;

-- position is the recorded order: the last one that is known wins. subject_kind: 0 prediction id, 1 key.
CREATE TABLE label (
    position     INTEGER PRIMARY KEY AUTOINCREMENT,
    model        TEXT    NOT NULL,
    subject_kind INTEGER NOT NULL,
    subject      TEXT    NOT NULL,
    value        TEXT    NOT NULL,
    known_at     INTEGER NOT NULL,
    recorded_at  INTEGER NOT NULL,
    source       TEXT    NOT NULL
) STRICT;
CREATE INDEX label_of_subject ON label (model, subject_kind, subject, position, known_at, recorded_at);

CREATE TABLE segment (
    id        TEXT    NOT NULL PRIMARY KEY,
    model     TEXT    NOT NULL,
    worker    TEXT    NOT NULL,
    digest    TEXT    NOT NULL,
    rows      INTEGER NOT NULL,
    first_at  INTEGER NOT NULL,
    last_at   INTEGER NOT NULL,
    sealed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX segment_in_order ON segment (model, first_at, id);

CREATE TABLE token (
    position   INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT    NOT NULL,
    role       TEXT    NOT NULL,
    digest     TEXT    NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT;
CREATE INDEX token_by_name ON token (name, position);

-- A row stays when its lease is given back, so that the fence keeps growing. Then the holder is NULL.
CREATE TABLE lease (
    name       TEXT    NOT NULL PRIMARY KEY,
    holder     TEXT,
    fence      INTEGER NOT NULL,
    ttl_us     INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE edge (
    source TEXT NOT NULL,
    target TEXT NOT NULL,
    role   TEXT NOT NULL,
    PRIMARY KEY (source, target, role)
) STRICT, WITHOUT ROWID;
CREATE INDEX edge_into ON edge (target, source, role);

CREATE TABLE replay (
    position    INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT    NOT NULL UNIQUE,
    model       TEXT    NOT NULL,
    recorded_at INTEGER NOT NULL,
    result      TEXT    NOT NULL,
    summary     TEXT    NOT NULL
) STRICT;
CREATE INDEX replay_of_model ON replay (model, position);
