-- Additive: the database session of the leader, so that another dispatcher leads at once when its process has died.
ALTER TABLE lead
    -- Server process of the session and its start. Null: the leader has no session of its own, as behind a pooler.
    ADD COLUMN session_pid        integer,
    ADD COLUMN session_started_at timestamptz,
    -- Term in which the session is the leader's. Of another term, it is that of an earlier leader.
    ADD COLUMN session_term       bigint;
