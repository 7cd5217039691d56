-- Runs with their counters.
CREATE TABLE runs (
    id                  BLOB    NOT NULL,
    name                TEXT,
    provider_id         BLOB    NOT NULL,
    model               TEXT    NOT NULL,
    dataset_id          BLOB    NOT NULL,
    config              TEXT    NOT NULL,
    priority            INTEGER NOT NULL,
    budget              TEXT,
    idempotency_key     TEXT,
    status              TEXT    NOT NULL,
    total               INTEGER NOT NULL,
    fed                 INTEGER NOT NULL,
    deferred            INTEGER NOT NULL,
    epoch               INTEGER NOT NULL,
    seq                 INTEGER NOT NULL,
    stats               TEXT    NOT NULL,
    created_at          INTEGER NOT NULL,
    started_at          INTEGER,
    finished_at         INTEGER,
    paused_at           INTEGER,
    pause_reason        TEXT,
    cancel_requested_at INTEGER,
    retry_count         INTEGER NOT NULL,
    retry_after         INTEGER,
    retry_requested_at  INTEGER,
    retry_reason        TEXT,
    resumed_count       INTEGER NOT NULL,
    last_resumed_at     INTEGER,
    -- When the last run_progress was written: there are at most five a second.
    progress_at         INTEGER,
    CONSTRAINT runs_pkey                   PRIMARY KEY (id),
    CONSTRAINT runs_idempotency_key_unique UNIQUE (idempotency_key),
    CONSTRAINT runs_dataset_exists         FOREIGN KEY (dataset_id) REFERENCES datasets (id),
    CONSTRAINT runs_priority_in_range      CHECK (priority BETWEEN 1 AND 100),
    CONSTRAINT runs_fed_in_range           CHECK (fed BETWEEN 0 AND total),
    CONSTRAINT runs_deferred_not_negative  CHECK (deferred >= 0),
    CONSTRAINT runs_ended_has_a_time
        CHECK ((status IN ('completed', 'failed', 'canceled')) = (finished_at IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- For runs.active.
CREATE INDEX runs_active ON runs (id) WHERE finished_at IS NULL;
-- For runs.versions.
CREATE INDEX runs_by_end ON runs (finished_at) WHERE finished_at IS NOT NULL;

-- Jobs that wait for their time to be fed again. A job is in at most one of `deferred` and `results`.
CREATE TABLE deferred (
    run_id     BLOB    NOT NULL,
    ordinal    INTEGER NOT NULL,
    sample     INTEGER NOT NULL,
    -- How often it was fed before, in this pass.
    attempt    INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    CONSTRAINT deferred_pkey PRIMARY KEY (run_id, ordinal, sample)
) STRICT, WITHOUT ROWID;

-- For deferred.due.
CREATE INDEX deferred_by_time ON deferred (run_id, not_before);

-- What happened to a run, as pages: what one transaction appends is one row, or a few. Pages are large, so this
-- one table keeps its row ids: the primary key's index stays small.
CREATE TABLE run_events (
    run_id    BLOB    NOT NULL,
    last_seq  INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    -- Whether these are `run_status` events, which are on pages of their own.
    is_status INTEGER NOT NULL,
    -- A JSON array of `last_seq - first_seq + 1` events.
    events    TEXT    NOT NULL,
    CONSTRAINT run_events_pkey        PRIMARY KEY (run_id, last_seq),
    CONSTRAINT run_events_seq_ordered CHECK (first_seq BETWEEN 1 AND last_seq)
) STRICT;

-- For run_events.status.
CREATE INDEX run_events_status ON run_events (run_id, last_seq) WHERE is_status;
