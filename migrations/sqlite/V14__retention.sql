-- Additive: as migrations/postgres.
CREATE TABLE removals (
    id BLOB NOT NULL,
    CONSTRAINT removals_pkey PRIMARY KEY (id)
) STRICT, WITHOUT ROWID;

-- For datasets.unused, and for the check that a dataset which is removed has no run.
CREATE INDEX runs_by_dataset ON runs (dataset_id);
