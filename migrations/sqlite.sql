-- Written by the tests of shared/store from the files in sqlite/.
CREATE TABLE settings (
    only_row INTEGER NOT NULL DEFAULT 1,
    body     TEXT    NOT NULL,
    version  INTEGER NOT NULL,
    CONSTRAINT settings_pkey    PRIMARY KEY (only_row),
    CONSTRAINT settings_one_row CHECK (only_row = 1)
) STRICT;
CREATE TABLE executors (
    name    TEXT    NOT NULL,
    seen_at INTEGER NOT NULL,
    report  TEXT    NOT NULL, talk TEXT, beats INTEGER NOT NULL DEFAULT 0, leases TEXT, claim INTEGER NOT NULL DEFAULT 0, valid_until INTEGER, open_until INTEGER, presence TEXT,
    CONSTRAINT executors_pkey PRIMARY KEY (name)
) STRICT, WITHOUT ROWID;
CREATE TABLE datasets (
    id           BLOB    NOT NULL,
    name         TEXT    NOT NULL,
    version_hash TEXT    NOT NULL,
    item_count   INTEGER NOT NULL,
    created_at   INTEGER NOT NULL, tenant TEXT NOT NULL DEFAULT 'default',
    CONSTRAINT datasets_pkey      PRIMARY KEY (id),
    CONSTRAINT datasets_not_empty CHECK (item_count > 0)
) STRICT, WITHOUT ROWID;
CREATE INDEX datasets_by_hash ON datasets (version_hash);
CREATE TABLE dataset_items (
    dataset_id BLOB    NOT NULL,
    ordinal    INTEGER NOT NULL,
    item_id    TEXT    NOT NULL,
    body       TEXT    NOT NULL,
    CONSTRAINT dataset_items_pkey           PRIMARY KEY (dataset_id, ordinal),
    CONSTRAINT dataset_items_item_id_unique UNIQUE (dataset_id, item_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE uploads (
    dataset_id BLOB NOT NULL,
    CONSTRAINT uploads_pkey PRIMARY KEY (dataset_id)
) STRICT, WITHOUT ROWID;
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
    progress_at         INTEGER, resume_at INTEGER
    CONSTRAINT runs_resume_at_is_of_a_pause CHECK (resume_at IS NULL OR paused_at IS NOT NULL), traceparent TEXT, pause_cause TEXT, cancel_graceful INTEGER NOT NULL DEFAULT 0, submitted_config TEXT, tenant TEXT NOT NULL DEFAULT 'default', token_id BLOB, kind TEXT NOT NULL DEFAULT 'evaluation', lighteval TEXT, rescoring TEXT, rescores TEXT, judges TEXT, judging INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT runs_pkey                   PRIMARY KEY (id),
    CONSTRAINT runs_idempotency_key_unique UNIQUE (idempotency_key),
    CONSTRAINT runs_dataset_exists         FOREIGN KEY (dataset_id) REFERENCES datasets (id),
    CONSTRAINT runs_priority_in_range      CHECK (priority BETWEEN 1 AND 100),
    CONSTRAINT runs_fed_in_range           CHECK (fed BETWEEN 0 AND total),
    CONSTRAINT runs_deferred_not_negative  CHECK (deferred >= 0),
    CONSTRAINT runs_ended_has_a_time
        CHECK ((status IN ('completed', 'failed', 'canceled')) = (finished_at IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX runs_active ON runs (id) WHERE finished_at IS NULL;
CREATE INDEX runs_by_end ON runs (finished_at) WHERE finished_at IS NOT NULL;
CREATE TABLE deferred (
    run_id     BLOB    NOT NULL,
    ordinal    INTEGER NOT NULL,
    sample     INTEGER NOT NULL,
    -- How often it was fed before, in this pass.
    attempt    INTEGER NOT NULL,
    not_before INTEGER NOT NULL, failures INTEGER NOT NULL DEFAULT 0, possible_copy INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT deferred_pkey PRIMARY KEY (run_id, ordinal, sample)
) STRICT, WITHOUT ROWID;
CREATE INDEX deferred_by_time ON deferred (run_id, not_before);
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
CREATE INDEX run_events_status ON run_events (run_id, last_seq) WHERE is_status;
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
    ttft_ms      INTEGER, remarks TEXT, client TEXT,
    CONSTRAINT invocations_pkey PRIMARY KEY (run_id, id)
) STRICT, WITHOUT ROWID;
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
    settled_at    INTEGER NOT NULL, tool_calls TEXT, logprobs TEXT, finish TEXT, answer_usage TEXT, reused_from BLOB,
    CONSTRAINT results_pkey PRIMARY KEY (run_id, ordinal, sample)
) STRICT, WITHOUT ROWID;
CREATE INDEX results_failed ON results (run_id) WHERE outcome = 'failed';
CREATE TABLE fleet (
    only_row INTEGER NOT NULL DEFAULT 1,
    version  INTEGER NOT NULL DEFAULT 0,
    lanes    TEXT    NOT NULL DEFAULT '{}',
    CONSTRAINT fleet_pkey    PRIMARY KEY (only_row),
    CONSTRAINT fleet_one_row CHECK (only_row = 1)
) STRICT, WITHOUT ROWID;
CREATE TABLE budgets (
    key        TEXT    NOT NULL,
    taken      INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CONSTRAINT budgets_pkey PRIMARY KEY (key)
) STRICT, WITHOUT ROWID;
CREATE TABLE tokens (
    id           BLOB    NOT NULL,
    name         TEXT    NOT NULL,
    prefix       TEXT    NOT NULL,
    hash         BLOB    NOT NULL,
    role         TEXT    NOT NULL,
    tenant       TEXT,
    providers    TEXT,
    budget       TEXT,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    revoked_at   INTEGER,
    last_used_at INTEGER, run_id BLOB CONSTRAINT tokens_run_exists REFERENCES runs (id) ON DELETE CASCADE,
    CONSTRAINT tokens_pkey          PRIMARY KEY (id),
    CONSTRAINT tokens_prefix_unique UNIQUE (prefix)
) STRICT, WITHOUT ROWID;
CREATE TABLE audit_log (
    id       BLOB    NOT NULL,
    at       INTEGER NOT NULL,
    tenant   TEXT    NOT NULL,
    token    TEXT    NOT NULL,
    token_id BLOB,
    action   TEXT    NOT NULL,
    object   TEXT,
    detail   TEXT,
    CONSTRAINT audit_log_pkey PRIMARY KEY (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_log_by_tenant ON audit_log (tenant, id);
CREATE TABLE "providers" (
    id           BLOB    NOT NULL,
    name         TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    base_url     TEXT    NOT NULL,
    capabilities TEXT    NOT NULL,
    rate_limit   TEXT    NOT NULL,
    version      INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    protocol     TEXT,
    request      TEXT    NOT NULL DEFAULT '{}',
    retry        TEXT    NOT NULL DEFAULT '{}',
    proxy        TEXT,
    tenant       TEXT    NOT NULL DEFAULT 'default',
    shared       INTEGER NOT NULL DEFAULT 0, answers_since INTEGER,
    CONSTRAINT providers_pkey        PRIMARY KEY (id),
    CONSTRAINT providers_name_unique UNIQUE (tenant, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE provider_secrets (
    id          BLOB    NOT NULL,
    provider_id BLOB    NOT NULL,
    -- The place among the provider's secrets, as they were given.
    position    INTEGER NOT NULL,
    kind        TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    sealed      BLOB    NOT NULL,
    masked      TEXT    NOT NULL,
    weight      INTEGER NOT NULL DEFAULT 1,
    CONSTRAINT provider_secrets_pkey             PRIMARY KEY (id),
    CONSTRAINT provider_secrets_position_unique  UNIQUE (provider_id, position),
    CONSTRAINT provider_secrets_kind_known       CHECK (kind IN ('api_key', 'header')),
    CONSTRAINT provider_secrets_weight_in_range  CHECK (weight BETWEEN 1 AND 100),
    CONSTRAINT provider_secrets_provider_exists  FOREIGN KEY (provider_id) REFERENCES providers (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX datasets_by_tenant ON datasets (tenant, id);
CREATE INDEX runs_by_tenant ON runs (tenant, id);
CREATE TABLE removals (
    id BLOB NOT NULL,
    CONSTRAINT removals_pkey PRIMARY KEY (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX runs_by_dataset ON runs (dataset_id);
CREATE TABLE usage_days (
    day               TEXT    NOT NULL,
    shard             INTEGER NOT NULL,
    tenant            TEXT    NOT NULL,
    token_id          BLOB    NOT NULL,
    provider_id       BLOB    NOT NULL,
    model             TEXT    NOT NULL,
    calls             INTEGER NOT NULL,
    prompt_tokens     INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    cost_nanousd      INTEGER NOT NULL,
    unpriced          INTEGER NOT NULL,
    CONSTRAINT usage_days_pkey PRIMARY KEY (day, shard, tenant, token_id, provider_id, model)
) STRICT, WITHOUT ROWID;
CREATE TABLE files (
    dataset_id BLOB    NOT NULL,
    tenant     TEXT    NOT NULL,
    token_id   BLOB,
    name       TEXT    NOT NULL,
    purpose    TEXT    NOT NULL,
    bytes      INTEGER NOT NULL,
    lines      TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    hidden     INTEGER NOT NULL,
    CONSTRAINT files_pkey PRIMARY KEY (dataset_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX files_by_tenant ON files (tenant, dataset_id);
CREATE TABLE batches (
    id                BLOB    NOT NULL,
    tenant            TEXT    NOT NULL,
    token_id          BLOB,
    dataset_id        BLOB    NOT NULL,
    version_hash      TEXT    NOT NULL,
    protocol          TEXT    NOT NULL,
    endpoint          TEXT    NOT NULL,
    model             TEXT    NOT NULL,
    completion_window TEXT    NOT NULL,
    metadata          TEXT,
    faults            TEXT,
    total             INTEGER NOT NULL,
    request_key       TEXT,
    created_at        INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL,
    expired_at        INTEGER,
    output_hidden     INTEGER NOT NULL,
    errors_hidden     INTEGER NOT NULL,
    CONSTRAINT batches_pkey               PRIMARY KEY (id),
    CONSTRAINT batches_request_key_unique UNIQUE (tenant, request_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX batches_by_tenant ON batches (tenant, id);
CREATE INDEX batches_by_content ON batches (version_hash);
CREATE INDEX batches_by_dataset ON batches (dataset_id);
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
CREATE INDEX tokens_by_run ON tokens (run_id) WHERE run_id IS NOT NULL;
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
CREATE TABLE scaling_needs (
    at        INTEGER NOT NULL,
    executors INTEGER NOT NULL,
    CONSTRAINT scaling_needs_pkey PRIMARY KEY (at)
) STRICT, WITHOUT ROWID;
CREATE INDEX runs_rescoring ON runs (id) WHERE rescoring IS NOT NULL;
CREATE INDEX runs_judging ON runs (id) WHERE judging;
CREATE TABLE answers (
    run_id  BLOB    NOT NULL,
    ordinal INTEGER NOT NULL,
    sample  INTEGER NOT NULL,
    hash    BLOB    NOT NULL,
    CONSTRAINT answers_pkey PRIMARY KEY (run_id, ordinal, sample)
) STRICT, WITHOUT ROWID;
CREATE INDEX answers_by_hash ON answers (hash, run_id);
CREATE TABLE answer_runs (
    run_id        BLOB    NOT NULL,
    -- When the run had ended: after a later end, it may have more answers.
    ended_at      INTEGER NOT NULL,
    -- Place of the last answer. Null: none yet.
    after_ordinal INTEGER,
    after_sample  INTEGER,
    is_done       INTEGER NOT NULL,
    CONSTRAINT answer_runs_pkey PRIMARY KEY (run_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX runs_by_provider ON runs (provider_id, id) WHERE finished_at IS NOT NULL AND kind = 'evaluation';
CREATE TABLE run_series (
    run_id BLOB    NOT NULL,
    at     INTEGER NOT NULL,
    point  TEXT    NOT NULL,
    CONSTRAINT run_series_pkey       PRIMARY KEY (run_id, at),
    CONSTRAINT run_series_run_exists FOREIGN KEY (run_id) REFERENCES runs (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
INSERT INTO fleet VALUES (1, 0, '{}');
