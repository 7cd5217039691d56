-- Additive: webhooks of runs.
CREATE TABLE webhooks (
    run_id       uuid        NOT NULL,
    url          text        NOT NULL,
    -- Number of the run's end that is told, from 1. A run that goes on after its end ends again.
    ends         integer     NOT NULL,
    attempts     integer     NOT NULL,
    -- Time of the first attempt. Null: there was none.
    first_at     timestamptz,
    -- Earliest time of the next attempt.
    due_at       timestamptz NOT NULL,
    -- Null: the end was not delivered.
    delivered_at timestamptz,
    -- Null: there will be a further attempt, unless the end was delivered.
    abandoned_at timestamptz,
    last_error   text,
    CONSTRAINT webhooks_pkey       PRIMARY KEY (run_id),
    CONSTRAINT webhooks_run_exists FOREIGN KEY (run_id) REFERENCES runs (id) ON DELETE CASCADE
);

-- For webhooks.due.
CREATE INDEX webhooks_open ON webhooks (due_at) WHERE delivered_at IS NULL AND abandoned_at IS NULL;
