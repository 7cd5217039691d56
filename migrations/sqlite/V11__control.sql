-- As migrations/postgres.
ALTER TABLE runs ADD COLUMN cancel_graceful INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN submitted_config TEXT;
