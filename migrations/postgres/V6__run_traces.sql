-- Where a run was submitted, for the traces of its jobs to point there.
ALTER TABLE runs
    -- A W3C trace context. Null: nobody traced the submission.
    ADD COLUMN traceparent text;
