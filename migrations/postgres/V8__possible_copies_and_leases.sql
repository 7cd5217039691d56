-- Executors ask each other about jobs that may be copies, and the feeder leads by a lease.
ALTER TABLE executors
    -- Questions and answers. Null: an executor of a release that does not answer.
    ADD COLUMN talk  json,
    ADD COLUMN beats bigint NOT NULL DEFAULT 0;

ALTER TABLE deferred
    -- Whether the job may still be in a queue or at an executor.
    ADD COLUMN possible_copy boolean NOT NULL DEFAULT false;

-- The lease of the only feeder: one row, made by the first. Its term grows with each leader.
CREATE TABLE lead (
    only_row   integer     NOT NULL DEFAULT 1,
    term       bigint      NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT lead_pkey    PRIMARY KEY (only_row),
    CONSTRAINT lead_one_row CHECK (only_row = 1)
);

-- For runs.newest_by_key: the constraint's index is in the order of the database's collation, which no prefix follows.
CREATE INDEX runs_idempotency_key_bytes ON runs (idempotency_key COLLATE "C");
