-- As migrations/postgres.
CREATE TABLE budgets (
    key        TEXT    NOT NULL,
    taken      INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CONSTRAINT budgets_pkey PRIMARY KEY (key)
) STRICT, WITHOUT ROWID;
