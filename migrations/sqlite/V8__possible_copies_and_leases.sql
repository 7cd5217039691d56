-- As migrations/postgres; the feeder needs no lease, since no other process has the file open.
ALTER TABLE executors ADD COLUMN talk TEXT;
ALTER TABLE executors ADD COLUMN beats INTEGER NOT NULL DEFAULT 0;
-- Executors of earlier processes are gone.
DELETE FROM executors;

ALTER TABLE deferred ADD COLUMN possible_copy INTEGER NOT NULL DEFAULT 0;
