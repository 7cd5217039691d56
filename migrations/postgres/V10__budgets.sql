-- Budgets of runs and of providers' days. Executors take slices of them, and spend these without asking.
CREATE TABLE budgets (
    -- The run or the provider's day, and the unit.
    key        text        NOT NULL,
    -- All slices so far, less what came back unspent. Above the limit if calls used more than their estimates.
    taken      bigint      NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT budgets_pkey PRIMARY KEY (key)
);
