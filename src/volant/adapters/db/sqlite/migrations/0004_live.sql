-- Realised performance of each epoch's champion, window by window, as known when it was last computed.
CREATE TABLE watch_live (
    model TEXT    NOT NULL,
    epoch INTEGER NOT NULL,
    body  BLOB    NOT NULL,
    PRIMARY KEY (model, epoch)
) STRICT, WITHOUT ROWID;
