-- What the model client can be told: a protocol, shares of keys, time-outs and retries; and what it brings back.
ALTER TABLE providers
    -- Null: the kind's own.
    ADD COLUMN protocol text,
    ADD COLUMN request  json NOT NULL DEFAULT '{}',
    ADD COLUMN retry    json NOT NULL DEFAULT '{}';

ALTER TABLE provider_secrets
    -- A key's share of the calls relative to the provider's other keys; 1 for a header.
    ADD COLUMN weight integer NOT NULL DEFAULT 1,
    ADD CONSTRAINT provider_secrets_weight_in_range CHECK (weight BETWEEN 1 AND 100);

ALTER TABLE runs
    -- When a run that its provider stopped tries again by itself.
    ADD COLUMN resume_at timestamptz,
    ADD CONSTRAINT runs_resume_at_is_of_a_pause CHECK (resume_at IS NULL OR paused_at IS NOT NULL);

ALTER TABLE deferred
    -- Attempts that failed so far, over all times that it was fed in this pass.
    ADD COLUMN failures integer NOT NULL DEFAULT 0;

ALTER TABLE results
    -- Null: the model asked for no tool; log probabilities were not asked for.
    ADD COLUMN tool_calls json,
    ADD COLUMN logprobs   json;
