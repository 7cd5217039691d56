-- The tables that grow by a row an item. Rows are written only under the lock of their run's row, so a
-- foreign key would check, for every row, what is known for the batch: hence none.

-- Every pass of a job through the model client, with all its HTTP requests; `outcome` is null for one that was
-- deferred. One index finds a redelivered message and lists a run's calls by time: ids are UUIDv7.
CREATE TABLE invocations (
    run_id       uuid        NOT NULL,
    id           uuid        NOT NULL,
    ordinal      integer     NOT NULL,
    sample       integer     NOT NULL,
    provider_id  uuid        NOT NULL,
    model        text        NOT NULL,
    outcome      text,
    error_kind   text,
    attempts     json        NOT NULL,
    usage        json,
    cost_nanousd bigint,
    streamed     boolean     NOT NULL,
    started_at   timestamptz NOT NULL,
    latency_ms   bigint      NOT NULL,
    ttft_ms      bigint,
    CONSTRAINT invocations_pkey PRIMARY KEY (run_id, id)
);

-- The one recorded outcome of a job.
CREATE TABLE results (
    run_id        uuid        NOT NULL,
    ordinal       integer     NOT NULL,
    sample        integer     NOT NULL,
    item_id       text        NOT NULL,
    invocation_id uuid        NOT NULL,
    outcome       text        NOT NULL,
    error_kind    text,
    error         text,
    response      text,
    reasoning     text,
    score         json,
    settled_at    timestamptz NOT NULL,
    CONSTRAINT results_pkey PRIMARY KEY (run_id, ordinal, sample)
);

-- For results.defer_failed: failures are few.
CREATE INDEX results_failed ON results (run_id) WHERE outcome = 'failed';
