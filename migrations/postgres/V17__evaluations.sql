-- Additive: runs that LightEval executes.
CREATE TABLE evaluations (
    run_id        uuid    NOT NULL,
    -- Tasks, as the run's configuration names them.
    tasks         json    NOT NULL,
    -- Configuration in LightEval's form.
    config        text    NOT NULL,
    -- Token with which LightEval calls the front door, encrypted for the executors.
    sealed        bytea   NOT NULL,
    -- Number of claims so far. What an executor sent under an earlier claim does not count.
    attempt       integer NOT NULL,
    -- Number of claims that ran out, because their executor died.
    deaths        integer NOT NULL,
    -- Executor that runs LightEval. Null: none.
    executor      text,
    -- End of its claim, by the server's clock.
    claimed_until timestamptz,
    -- Number of the last part of LightEval's log that was recorded, among those of the claim.
    log_part      bigint  NOT NULL,
    CONSTRAINT evaluations_pkey       PRIMARY KEY (run_id),
    CONSTRAINT evaluations_run_exists FOREIGN KEY (run_id) REFERENCES runs (id) ON DELETE CASCADE
);

ALTER TABLE tokens
    -- Run to which the token belongs, and which its calls are charged to. Null: it is a user's.
    ADD COLUMN run_id uuid CONSTRAINT tokens_run_exists REFERENCES runs (id) ON DELETE CASCADE;

-- For tokens.forget_of_ended, and for what is removed with a run.
CREATE INDEX tokens_by_run ON tokens (run_id) WHERE run_id IS NOT NULL;

ALTER TABLE runs
    -- Metrics of LightEval, or the reason why there are none. Null: it has not ended.
    ADD COLUMN lighteval json;
