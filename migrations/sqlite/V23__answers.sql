-- Additive: runs take over answers that earlier runs have for the same requests.

-- Run whose answer a result has taken over. Null: the job was called.
ALTER TABLE results ADD COLUMN reused_from BLOB;

-- When the provider last became another server, or was asked in another way. Null: never. Earlier answers are not taken over.
ALTER TABLE providers ADD COLUMN answers_since INTEGER;

-- Index of answers by the hash of what was sent for them. It has rows only of runs whose answers another run has asked for.
CREATE TABLE answers (
    run_id  BLOB    NOT NULL,
    ordinal INTEGER NOT NULL,
    sample  INTEGER NOT NULL,
    hash    BLOB    NOT NULL,
    CONSTRAINT answers_pkey PRIMARY KEY (run_id, ordinal, sample)
) STRICT, WITHOUT ROWID;

-- For answers.find: the newest run of a hash.
CREATE INDEX answers_by_hash ON answers (hash, run_id);

-- Runs whose answers are in the index, up to a place.
CREATE TABLE answer_runs (
    run_id        BLOB    NOT NULL,
    -- When the run had ended: after a later end, it may have more answers.
    ended_at      INTEGER NOT NULL,
    -- Place of the last answer. Null: none yet.
    after_ordinal INTEGER,
    after_sample  INTEGER,
    is_done       INTEGER NOT NULL,
    CONSTRAINT answer_runs_pkey PRIMARY KEY (run_id)
) STRICT, WITHOUT ROWID;

-- For answers.unindexed.
CREATE INDEX runs_by_provider ON runs (provider_id, id) WHERE finished_at IS NOT NULL AND kind = 'evaluation';
