-- Additive: old runs are removed. The rows of `invocations` and `results` are partitioned by the time of their run: run ids are
-- UUIDv7, so a range of ids is a range of times, and a unique key that includes the run's id stays one. The tables of
-- today become the first partition as they are, up to the end of the month; no row is copied, but all are read once.
ALTER TABLE invocations RENAME TO invocations_first;
ALTER TABLE results     RENAME TO results_first;
ALTER INDEX invocations_pkey RENAME TO invocations_first_pkey;
ALTER INDEX results_pkey     RENAME TO results_first_pkey;
ALTER INDEX results_failed   RENAME TO results_first_failed;

CREATE TABLE invocations (
    LIKE invocations_first INCLUDING DEFAULTS INCLUDING STORAGE INCLUDING COMPRESSION,
    CONSTRAINT invocations_pkey PRIMARY KEY (run_id, id)
) PARTITION BY RANGE (run_id);

CREATE TABLE results (
    LIKE results_first INCLUDING DEFAULTS INCLUDING STORAGE INCLUDING COMPRESSION,
    CONSTRAINT results_pkey PRIMARY KEY (run_id, ordinal, sample)
) PARTITION BY RANGE (run_id);

-- For results.defer_failed: failures are few.
CREATE INDEX results_failed ON results (run_id) WHERE outcome = 'failed';

-- The end of the month of the newest run, which may have an id of a clock that was ahead. The first 48 bits of an id
-- are its time in milliseconds; an id that is no UUIDv7, as tests make some, leaves the end of this month.
DO $$
DECLARE
    newest uuid := (SELECT id FROM runs ORDER BY id DESC LIMIT 1);
    made   timestamptz := to_timestamp(('x0000' || left(replace(newest::text, '-', ''), 12))::bit(64)::bigint / 1000.0);
    ends   timestamptz := date_trunc('month', greatest(now(), made), 'UTC') + interval '1 month';
    bound  uuid := rpad(lpad(to_hex((extract(epoch FROM ends) * 1000)::bigint), 12, '0'), 32, '0')::uuid;
BEGIN
    EXECUTE format('ALTER TABLE invocations ATTACH PARTITION invocations_first FOR VALUES FROM (MINVALUE) TO (%L)', bound);
    EXECUTE format('ALTER TABLE results ATTACH PARTITION results_first FOR VALUES FROM (MINVALUE) TO (%L)', bound);
END $$;

-- Rows of a month for which no partition was made.
CREATE TABLE invocations_default PARTITION OF invocations DEFAULT;
CREATE TABLE results_default     PARTITION OF results     DEFAULT;

-- Runs and datasets that were removed. The rows of the other tables that belong to them are deleted little by little.
CREATE TABLE removals (
    id uuid NOT NULL,
    CONSTRAINT removals_pkey PRIMARY KEY (id)
);

-- For datasets.unused, and for the check that a dataset which is removed has no run.
CREATE INDEX runs_by_dataset ON runs (dataset_id);
