-- What a call is worth: how its request was changed and what its answer lacks; and the way to a provider.

-- Null: nothing is to be said.
ALTER TABLE invocations ADD COLUMN remarks TEXT;

-- Null: the executor's own.
ALTER TABLE providers ADD COLUMN proxy TEXT;

-- Null: not paused, or a user's pause.
ALTER TABLE runs ADD COLUMN pause_cause TEXT;
