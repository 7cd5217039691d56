-- Additive: as migrations/postgres.
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
    last_used_at INTEGER,
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

-- SQLite cannot change a constraint, so the table is made anew. Its secrets would go with the old one: they are kept aside.
CREATE TABLE secrets_aside AS SELECT * FROM provider_secrets;
DROP TABLE provider_secrets;

CREATE TABLE providers_of_tenants (
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
    shared       INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT providers_pkey        PRIMARY KEY (id),
    CONSTRAINT providers_name_unique UNIQUE (tenant, name)
) STRICT, WITHOUT ROWID;

INSERT INTO providers_of_tenants (id, name, kind, base_url, capabilities, rate_limit, version, created_at, updated_at,
    protocol, request, retry, proxy)
SELECT id, name, kind, base_url, capabilities, rate_limit, version, created_at, updated_at,
    protocol, request, retry, proxy
FROM providers;

DROP TABLE providers;
ALTER TABLE providers_of_tenants RENAME TO providers;

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

INSERT INTO provider_secrets (id, provider_id, position, kind, name, sealed, masked, weight)
SELECT id, provider_id, position, kind, name, sealed, masked, weight
FROM secrets_aside;

DROP TABLE secrets_aside;

ALTER TABLE datasets ADD COLUMN tenant TEXT NOT NULL DEFAULT 'default';
ALTER TABLE runs ADD COLUMN tenant TEXT NOT NULL DEFAULT 'default';
ALTER TABLE runs ADD COLUMN token_id BLOB;

CREATE INDEX datasets_by_tenant ON datasets (tenant, id);
CREATE INDEX runs_by_tenant ON runs (tenant, id);
