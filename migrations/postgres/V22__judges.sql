-- Additive: judges of a run's answers.
ALTER TABLE runs
    -- The judges with their progress. Null: the run has none.
    ADD COLUMN judges  json,
    -- True while judges are at work, or have work to come.
    ADD COLUMN judging boolean NOT NULL DEFAULT false;

-- For runs.judged: few runs are.
CREATE INDEX runs_judging ON runs (id) WHERE judging;
