-- Additive: as migrations/postgres.
ALTER TABLE runs ADD COLUMN kind TEXT NOT NULL DEFAULT 'evaluation';
ALTER TABLE invocations ADD COLUMN client TEXT;

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
