-- Additive: tokens of the API, the tenants to which things belong, and a log of who changed what.
CREATE TABLE tokens (
    id           uuid        NOT NULL,
    name         text        NOT NULL,
    -- First characters of the token, by which it is found and shown.
    prefix       text        NOT NULL,
    -- SHA-256 of the token. The token itself is not stored.
    hash         bytea       NOT NULL,
    role         text        NOT NULL,
    -- Null: all tenants.
    tenant       text,
    -- Null: all providers that its tenant may use.
    providers    json,
    -- Largest use of all runs that the token submits. Null: not limited.
    budget       json,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz,
    revoked_at   timestamptz,
    last_used_at timestamptz,
    CONSTRAINT tokens_pkey          PRIMARY KEY (id),
    CONSTRAINT tokens_prefix_unique UNIQUE (prefix)
);

-- Ids are UUIDv7, so the order of the ids is that of time, and old entries are a range.
CREATE TABLE audit_log (
    id       uuid        NOT NULL,
    at       timestamptz NOT NULL,
    tenant   text        NOT NULL,
    token    text        NOT NULL,
    -- Null: a token of the environment.
    token_id uuid,
    action   text        NOT NULL,
    object   text,
    detail   text,
    CONSTRAINT audit_log_pkey PRIMARY KEY (id)
);

-- For audit_log.page_of_tenant.
CREATE INDEX audit_log_by_tenant ON audit_log (tenant, id);

-- What was there before belongs to the first tenant.
ALTER TABLE providers
    ADD COLUMN tenant text    NOT NULL DEFAULT 'default',
    -- Whether other tenants may use the provider, too.
    ADD COLUMN shared boolean NOT NULL DEFAULT false,
    DROP CONSTRAINT providers_name_unique,
    ADD CONSTRAINT providers_name_unique UNIQUE (tenant, name);

ALTER TABLE datasets
    ADD COLUMN tenant text NOT NULL DEFAULT 'default';

-- The idempotency keys of other tenants begin with the tenant, so that they are unique in it.
ALTER TABLE runs
    ADD COLUMN tenant   text NOT NULL DEFAULT 'default',
    -- Token that submitted the run. Null: a token of the environment.
    ADD COLUMN token_id uuid;

-- For datasets.page_of_tenant.
CREATE INDEX datasets_by_tenant ON datasets (tenant, id);
-- For runs.page_of_tenant.
CREATE INDEX runs_by_tenant ON runs (tenant, id);
