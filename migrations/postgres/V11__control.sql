-- Runs are canceled gracefully, and their settings change while they run.
ALTER TABLE runs
    -- Whether the calls in flight of the canceled run finish.
    ADD COLUMN cancel_graceful  boolean NOT NULL DEFAULT false,
    -- The configuration of the request, if `config` has changed since.
    ADD COLUMN submitted_config json;
