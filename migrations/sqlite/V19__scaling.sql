-- Additive: as migrations/postgres.
CREATE TABLE scaling_needs (
    at        INTEGER NOT NULL,
    executors INTEGER NOT NULL,
    CONSTRAINT scaling_needs_pkey PRIMARY KEY (at)
) STRICT, WITHOUT ROWID;
