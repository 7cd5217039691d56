-- The tables that grow by a row an item.

-- Every pass of a job through the model client, with all its HTTP requests; `outcome` is null for one that was
-- deferred.
CREATE TABLE invocations (
    run_id       BLOB    NOT NULL,
    id           BLOB    NOT NULL,
    ordinal      INTEGER NOT NULL,
    sample       INTEGER NOT NULL,
    provider_id  BLOB    NOT NULL,
    model        TEXT    NOT NULL,
    outcome      TEXT,
    error_kind   TEXT,
    attempts     TEXT    NOT NULL,
    usage        TEXT,
    cost_nanousd INTEGER,
    streamed     INTEGER NOT NULL,
    started_at   INTEGER NOT NULL,
    latency_ms   INTEGER NOT NULL,
    ttft_ms      INTEGER,
    CONSTRAINT invocations_pkey PRIMARY KEY (run_id, id)
) STRICT, WITHOUT ROWID;

-- The one recorded outcome of a job.
CREATE TABLE results (
    run_id        BLOB    NOT NULL,
    ordinal       INTEGER NOT NULL,
    sample        INTEGER NOT NULL,
    item_id       TEXT    NOT NULL,
    invocation_id BLOB    NOT NULL,
    outcome       TEXT    NOT NULL,
    error_kind    TEXT,
    error         TEXT,
    response      TEXT,
    reasoning     TEXT,
    score         TEXT,
    settled_at    INTEGER NOT NULL,
    CONSTRAINT results_pkey PRIMARY KEY (run_id, ordinal, sample)
) STRICT, WITHOUT ROWID;

-- For results.defer_failed: failures are few.
CREATE INDEX results_failed ON results (run_id) WHERE outcome = 'failed';
