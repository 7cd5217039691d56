-- Executors lease shares of the providers' limits.
ALTER TABLE executors
    -- Shares by the scope of their limits. Null: none, as of a release without shares.
    ADD COLUMN leases      json,
    -- Number of the executor's claim that was accepted last.
    ADD COLUMN claim       bigint NOT NULL DEFAULT 0,
    ADD COLUMN valid_until timestamptz,
    ADD COLUMN open_until  timestamptz,
    -- Name by which the broker tells if the process is still connected.
    ADD COLUMN presence    text,
    -- Process of the server that took the last heartbeat. Null behind a pooler, whose sessions are nobody's.
    ADD COLUMN session_pid integer;

-- State that all executors share: one row. Its version grows with each decision on shares and lanes.
CREATE TABLE fleet (
    only_row integer NOT NULL DEFAULT 1,
    version  bigint  NOT NULL DEFAULT 0,
    lanes    jsonb   NOT NULL DEFAULT '{}',
    CONSTRAINT fleet_pkey    PRIMARY KEY (only_row),
    CONSTRAINT fleet_one_row CHECK (only_row = 1)
);

INSERT INTO fleet DEFAULT VALUES;
