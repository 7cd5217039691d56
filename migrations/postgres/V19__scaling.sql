-- Additive: how many executors the fleet could use lately, so that all dispatchers tell the same number.
-- A row is the largest need of a short interval. Rows of longer ago than the scale-down time are deleted.
CREATE TABLE scaling_needs (
    -- Start of the interval.
    at        timestamptz NOT NULL,
    executors integer     NOT NULL,
    CONSTRAINT scaling_needs_pkey PRIMARY KEY (at)
);
