-- As migrations/postgres.
ALTER TABLE executors ADD COLUMN leases TEXT;
ALTER TABLE executors ADD COLUMN claim INTEGER NOT NULL DEFAULT 0;
ALTER TABLE executors ADD COLUMN valid_until INTEGER;
ALTER TABLE executors ADD COLUMN open_until INTEGER;
ALTER TABLE executors ADD COLUMN presence TEXT;

CREATE TABLE fleet (
    only_row INTEGER NOT NULL DEFAULT 1,
    version  INTEGER NOT NULL DEFAULT 0,
    lanes    TEXT    NOT NULL DEFAULT '{}',
    CONSTRAINT fleet_pkey    PRIMARY KEY (only_row),
    CONSTRAINT fleet_one_row CHECK (only_row = 1)
) STRICT, WITHOUT ROWID;

INSERT INTO fleet DEFAULT VALUES;
