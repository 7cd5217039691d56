-- Where a run was submitted, for the traces of its jobs to point there.

-- A W3C trace context. Null: nobody traced the submission.
ALTER TABLE runs ADD COLUMN traceparent TEXT;
