-- Additive: as migrations/postgres.
CREATE TABLE evaluations (
    run_id        BLOB    NOT NULL,
    tasks         TEXT    NOT NULL,
    config        TEXT    NOT NULL,
    sealed        BLOB    NOT NULL,
    attempt       INTEGER NOT NULL,
    deaths        INTEGER NOT NULL,
    executor      TEXT,
    claimed_until INTEGER,
    log_part      INTEGER NOT NULL,
    CONSTRAINT evaluations_pkey       PRIMARY KEY (run_id),
    CONSTRAINT evaluations_run_exists FOREIGN KEY (run_id) REFERENCES runs (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

ALTER TABLE tokens ADD COLUMN run_id BLOB CONSTRAINT tokens_run_exists REFERENCES runs (id) ON DELETE CASCADE;
CREATE INDEX tokens_by_run ON tokens (run_id) WHERE run_id IS NOT NULL;
ALTER TABLE runs ADD COLUMN lighteval TEXT;
