-- Additive: the kind of a run, notes of clients' calls, and the use of each day.
ALTER TABLE runs
    -- Origin of its calls: `evaluation`, `interactive` or `batch`.
    ADD COLUMN kind text NOT NULL DEFAULT 'evaluation';

ALTER TABLE invocations
    -- Of a client's call: its token, and the parameters that had no effect. Null: a job's.
    ADD COLUMN client json;

-- Sums over the calls that were recorded, for each day (UTC) on which they began. The rows of a sum are distinguished by
-- `shard`, the low bits of the run's id, so that writers seldom wait for each other.
CREATE TABLE usage_days (
    -- The day as `2026-11-30`.
    day               text    NOT NULL,
    shard             integer NOT NULL,
    tenant            text    NOT NULL,
    -- Token that submitted the run or made the call. Nil: a token of the environment.
    token_id          uuid    NOT NULL,
    provider_id       uuid    NOT NULL,
    model             text    NOT NULL,
    calls             bigint  NOT NULL,
    prompt_tokens     bigint  NOT NULL,
    completion_tokens bigint  NOT NULL,
    cost_nanousd      bigint  NOT NULL,
    -- Number of invocations whose cost is unknown, wholly or in part.
    unpriced          bigint  NOT NULL,
    CONSTRAINT usage_days_pkey PRIMARY KEY (day, shard, tenant, token_id, provider_id, model)
) WITH (
    -- A row is written with each batch of its day: the new version fits beside the old (a HOT update).
    fillfactor = 50
);
