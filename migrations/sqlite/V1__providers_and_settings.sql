-- As migrations/postgres. Ids are the 16 bytes of the UUID, times are microseconds since 1970 (UTC), JSON is text.

-- Accounts at model APIs. Runs keep the id of a provider that is gone, so nothing references this table.
CREATE TABLE providers (
    id           BLOB    NOT NULL,
    name         TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    base_url     TEXT    NOT NULL,
    capabilities TEXT    NOT NULL,
    rate_limit   TEXT    NOT NULL,
    version      INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    CONSTRAINT providers_pkey        PRIMARY KEY (id),
    CONSTRAINT providers_name_unique UNIQUE (name)
) STRICT, WITHOUT ROWID;

-- API keys and header values, sealed. The seal is bound to the row's id.
CREATE TABLE provider_secrets (
    id          BLOB    NOT NULL,
    provider_id BLOB    NOT NULL,
    -- The place among the provider's secrets, as they were given.
    position    INTEGER NOT NULL,
    kind        TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    sealed      BLOB    NOT NULL,
    masked      TEXT    NOT NULL,
    CONSTRAINT provider_secrets_pkey             PRIMARY KEY (id),
    CONSTRAINT provider_secrets_position_unique  UNIQUE (provider_id, position),
    CONSTRAINT provider_secrets_kind_known       CHECK (kind IN ('api_key', 'header')),
    CONSTRAINT provider_secrets_provider_exists  FOREIGN KEY (provider_id) REFERENCES providers (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- The workspace's settings: one row, or none while they are the defaults.
CREATE TABLE settings (
    only_row INTEGER NOT NULL DEFAULT 1,
    body     TEXT    NOT NULL,
    version  INTEGER NOT NULL,
    CONSTRAINT settings_pkey    PRIMARY KEY (only_row),
    CONSTRAINT settings_one_row CHECK (only_row = 1)
) STRICT;

-- Who executes, as each last said of itself.
CREATE TABLE executors (
    name    TEXT    NOT NULL,
    seen_at INTEGER NOT NULL,
    report  TEXT    NOT NULL,
    CONSTRAINT executors_pkey PRIMARY KEY (name)
) STRICT, WITHOUT ROWID;
