-- Additive: as migrations/postgres.
CREATE TABLE webhooks (
    run_id       BLOB    NOT NULL,
    url          TEXT    NOT NULL,
    ends         INTEGER NOT NULL,
    attempts     INTEGER NOT NULL,
    first_at     INTEGER,
    due_at       INTEGER NOT NULL,
    delivered_at INTEGER,
    abandoned_at INTEGER,
    last_error   TEXT,
    CONSTRAINT webhooks_pkey       PRIMARY KEY (run_id),
    CONSTRAINT webhooks_run_exists FOREIGN KEY (run_id) REFERENCES runs (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX webhooks_open ON webhooks (due_at) WHERE delivered_at IS NULL AND abandoned_at IS NULL;
