-- Additive: judges of a run's answers.

-- The judges with their progress. Null: the run has none.
ALTER TABLE runs ADD COLUMN judges TEXT;
-- True while judges are at work, or have work to come.
ALTER TABLE runs ADD COLUMN judging INTEGER NOT NULL DEFAULT 0;

-- For runs.judged: few runs are.
CREATE INDEX runs_judging ON runs (id) WHERE judging;
