-- Runs with their counters. The lock of a run's row orders everything that happens to the run: `seq`, the
-- counters and the rows of the tables below move only under it.
CREATE TABLE runs (
    id                  uuid        NOT NULL,
    name                text,
    provider_id         uuid        NOT NULL,
    model               text        NOT NULL,
    dataset_id          uuid        NOT NULL,
    -- `json`, not `jsonb`, here and below: it gives back the numbers that it was given, costs less to
    -- write, and takes the NUL that a model may answer.
    config              json        NOT NULL,
    priority            integer     NOT NULL,
    budget              json,
    idempotency_key     text,
    status              text        NOT NULL,
    total               bigint      NOT NULL,
    fed                 bigint      NOT NULL,
    deferred            bigint      NOT NULL,
    epoch               integer     NOT NULL,
    seq                 bigint      NOT NULL,
    stats               json        NOT NULL,
    created_at          timestamptz NOT NULL,
    started_at          timestamptz,
    finished_at         timestamptz,
    paused_at           timestamptz,
    pause_reason        text,
    cancel_requested_at timestamptz,
    retry_count         integer     NOT NULL,
    retry_after         timestamptz,
    retry_requested_at  timestamptz,
    retry_reason        text,
    resumed_count       integer     NOT NULL,
    last_resumed_at     timestamptz,
    -- When the last run_progress was written: there are at most five a second.
    progress_at         timestamptz,
    CONSTRAINT runs_pkey                   PRIMARY KEY (id),
    CONSTRAINT runs_idempotency_key_unique UNIQUE (idempotency_key),
    CONSTRAINT runs_dataset_exists         FOREIGN KEY (dataset_id) REFERENCES datasets (id),
    CONSTRAINT runs_priority_in_range      CHECK (priority BETWEEN 1 AND 100),
    CONSTRAINT runs_fed_in_range           CHECK (fed BETWEEN 0 AND total),
    CONSTRAINT runs_deferred_not_negative  CHECK (deferred >= 0),
    CONSTRAINT runs_ended_has_a_time
        CHECK ((status IN ('completed', 'failed', 'canceled')) = (finished_at IS NOT NULL))
) WITH (
    -- A busy run's row is written 20 times a second: half-empty pages keep the new version beside the old
    -- (a HOT update), and `stats` stays in the row instead of going out of line each time.
    fillfactor = 50,
    toast_tuple_target = 4080
);

-- For runs.active.
CREATE INDEX runs_active ON runs (id) WHERE finished_at IS NULL;
-- For runs.versions.
CREATE INDEX runs_by_end ON runs (finished_at) WHERE finished_at IS NOT NULL;

-- Jobs that wait for their time to be fed again. A job is in at most one of `deferred` and `results`.
CREATE TABLE deferred (
    run_id     uuid        NOT NULL,
    ordinal    integer     NOT NULL,
    sample     integer     NOT NULL,
    -- How often it was fed before, in this pass.
    attempt    integer     NOT NULL,
    not_before timestamptz NOT NULL,
    CONSTRAINT deferred_pkey PRIMARY KEY (run_id, ordinal, sample)
);

-- For deferred.due.
CREATE INDEX deferred_by_time ON deferred (run_id, not_before);

-- What happened to a run, as pages: what one transaction appends is one row, or a few, so that events cost
-- no row an item.
CREATE TABLE run_events (
    run_id    uuid    NOT NULL,
    last_seq  bigint  NOT NULL,
    first_seq bigint  NOT NULL,
    -- Whether these are `run_status` events, which are on pages of their own.
    is_status boolean NOT NULL,
    -- A JSON array of `last_seq - first_seq + 1` events.
    events    text    NOT NULL,
    CONSTRAINT run_events_pkey        PRIMARY KEY (run_id, last_seq),
    CONSTRAINT run_events_seq_ordered CHECK (first_seq BETWEEN 1 AND last_seq)
);

-- For run_events.status.
CREATE INDEX run_events_status ON run_events (run_id, last_seq) WHERE is_status;

-- lz4 costs a tenth of the default's time for nearly its ratio; a server built without it keeps the default.
DO $$
BEGIN
    ALTER TABLE run_events ALTER COLUMN events SET COMPRESSION lz4;
    ALTER TABLE runs       ALTER COLUMN stats  SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    NULL;
END $$;
