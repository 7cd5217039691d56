-- Accounts at model APIs. Runs keep the id of a provider that is gone, so nothing references this table.
CREATE TABLE providers (
    id           uuid        NOT NULL,
    name         text        NOT NULL,
    kind         text        NOT NULL,
    base_url     text        NOT NULL,
    capabilities json        NOT NULL,
    rate_limit   json        NOT NULL,
    version      bigint      NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    CONSTRAINT providers_pkey        PRIMARY KEY (id),
    CONSTRAINT providers_name_unique UNIQUE (name)
);

-- API keys and header values, sealed. The seal is bound to the row's id.
CREATE TABLE provider_secrets (
    id          uuid    NOT NULL,
    provider_id uuid    NOT NULL,
    -- The place among the provider's secrets, as they were given.
    position    integer NOT NULL,
    kind        text    NOT NULL,
    name        text    NOT NULL,
    sealed      bytea   NOT NULL,
    masked      text    NOT NULL,
    CONSTRAINT provider_secrets_pkey             PRIMARY KEY (id),
    CONSTRAINT provider_secrets_position_unique  UNIQUE (provider_id, position),
    CONSTRAINT provider_secrets_kind_known       CHECK (kind IN ('api_key', 'header')),
    CONSTRAINT provider_secrets_provider_exists  FOREIGN KEY (provider_id) REFERENCES providers (id) ON DELETE CASCADE
);

-- The workspace's settings: one row, or none while they are the defaults.
CREATE TABLE settings (
    only_row boolean NOT NULL DEFAULT true,
    body     json    NOT NULL,
    version  bigint  NOT NULL,
    CONSTRAINT settings_pkey    PRIMARY KEY (only_row),
    CONSTRAINT settings_one_row CHECK (only_row)
);

-- Who executes, as each last said of itself.
CREATE TABLE executors (
    name    text        NOT NULL,
    seen_at timestamptz NOT NULL,
    report  json        NOT NULL,
    CONSTRAINT executors_pkey PRIMARY KEY (name)
);
