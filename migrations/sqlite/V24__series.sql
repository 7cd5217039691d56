-- Additive: what the calls of a run did over time.

-- A row for each interval of a run in which a log was written; the newest interval is in `runs.stats`.
CREATE TABLE run_series (
    run_id BLOB    NOT NULL,
    at     INTEGER NOT NULL,
    point  TEXT    NOT NULL,
    CONSTRAINT run_series_pkey       PRIMARY KEY (run_id, at),
    CONSTRAINT run_series_run_exists FOREIGN KEY (run_id) REFERENCES runs (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
