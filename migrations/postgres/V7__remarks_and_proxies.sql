-- What a call is worth: how its request was changed and what its answer lacks; and the way to a provider.
ALTER TABLE invocations
    -- Null: nothing is to be said.
    ADD COLUMN remarks json;

ALTER TABLE providers
    -- Null: the executor's own.
    ADD COLUMN proxy text;

ALTER TABLE runs
    -- Null: not paused, or a user's pause.
    ADD COLUMN pause_cause text;
