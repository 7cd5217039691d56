-- What the model client can be told: a protocol, shares of keys, time-outs and retries; and what it brings back.

-- Null: the kind's own.
ALTER TABLE providers ADD COLUMN protocol TEXT;
ALTER TABLE providers ADD COLUMN request TEXT NOT NULL DEFAULT '{}';
ALTER TABLE providers ADD COLUMN retry TEXT NOT NULL DEFAULT '{}';

-- A key's share of the calls relative to the provider's other keys; 1 for a header.
ALTER TABLE provider_secrets ADD COLUMN weight INTEGER NOT NULL DEFAULT 1
    CONSTRAINT provider_secrets_weight_in_range CHECK (weight BETWEEN 1 AND 100);

-- When a run that its provider stopped tries again by itself.
ALTER TABLE runs ADD COLUMN resume_at INTEGER
    CONSTRAINT runs_resume_at_is_of_a_pause CHECK (resume_at IS NULL OR paused_at IS NOT NULL);

-- Attempts that failed so far, over all times that it was fed in this pass.
ALTER TABLE deferred ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;

-- Null: the model asked for no tool; log probabilities were not asked for.
ALTER TABLE results ADD COLUMN tool_calls TEXT;
ALTER TABLE results ADD COLUMN logprobs TEXT;
