-- Additive: runs take over answers that earlier runs have for the same requests.

-- Run whose answer a result has taken over. Null: the job was called.
ALTER TABLE results ADD COLUMN reused_from uuid;

-- When the provider last became another server, or was asked in another way. Null: never. Earlier answers are not taken over.
ALTER TABLE providers ADD COLUMN answers_since timestamptz;

-- Index of answers by the hash of what was sent for them. It has rows only of runs whose answers another run has asked for.
CREATE TABLE answers (
    run_id  uuid    NOT NULL,
    ordinal integer NOT NULL,
    sample  integer NOT NULL,
    hash    bytea   NOT NULL,
    CONSTRAINT answers_pkey PRIMARY KEY (run_id, ordinal, sample)
);

-- For answers.find: the newest run of a hash.
CREATE INDEX answers_by_hash ON answers (hash, run_id);

-- Runs whose answers are in the index, up to a place.
CREATE TABLE answer_runs (
    run_id        uuid        NOT NULL,
    -- When the run had ended: after a later end, it may have more answers.
    ended_at      timestamptz NOT NULL,
    -- Place of the last answer. Null: none yet.
    after_ordinal integer,
    after_sample  integer,
    is_done       boolean     NOT NULL,
    CONSTRAINT answer_runs_pkey PRIMARY KEY (run_id)
);

-- For answers.unindexed.
CREATE INDEX runs_by_provider ON runs (provider_id, id) WHERE finished_at IS NOT NULL AND kind = 'evaluation';
