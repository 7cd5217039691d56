-- Additive: scores of ended runs that were made anew of their stored answers.
ALTER TABLE runs
    -- The version under way, with what is counted so far. Null: none is.
    ADD COLUMN rescoring json,
    -- The versions that are made, and the one by which the run is shown. Null: the run was never scored anew.
    ADD COLUMN rescores  json;

-- For runs.rescoring: hardly ever is there any.
CREATE INDEX runs_rescoring ON runs (id) WHERE rescoring IS NOT NULL;
