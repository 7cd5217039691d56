-- Additive: clients' files and batches, and what an answer to a client says beside its text.
-- A file of requests. Its lines are the items of a dataset, which has the same id.
CREATE TABLE files (
    dataset_id uuid        NOT NULL,
    tenant     text        NOT NULL,
    -- Token that uploaded it. Null: a token of the environment.
    token_id   uuid,
    name       text        NOT NULL,
    purpose    text        NOT NULL,
    bytes      bigint      NOT NULL,
    -- What was found in the lines when they were uploaded.
    lines      json        NOT NULL,
    created_at timestamptz NOT NULL,
    -- True: no client sees it. Its lines stay while a batch needs them.
    hidden     boolean     NOT NULL,
    CONSTRAINT files_pkey PRIMARY KEY (dataset_id)
);

-- For files.page_of_tenant.
CREATE INDEX files_by_tenant ON files (tenant, dataset_id);

-- What a client asked for. Its calls are the run with the same id; a batch whose lines were refused has none.
CREATE TABLE batches (
    id                uuid        NOT NULL,
    tenant            text        NOT NULL,
    token_id          uuid,
    dataset_id        uuid        NOT NULL,
    version_hash      text        NOT NULL,
    protocol          text        NOT NULL,
    endpoint          text        NOT NULL,
    -- Name of the model, as the client wrote it.
    model             text        NOT NULL,
    completion_window text        NOT NULL,
    metadata          json,
    -- Reasons why the lines were refused. Null: they were not.
    faults            json,
    total             bigint      NOT NULL,
    -- Names the request, in its tenant. Null: each request makes a batch.
    request_key       text,
    created_at        timestamptz NOT NULL,
    expires_at        timestamptz NOT NULL,
    -- Time at which its run was canceled because the window was over.
    expired_at        timestamptz,
    output_hidden     boolean     NOT NULL,
    errors_hidden     boolean     NOT NULL,
    CONSTRAINT batches_pkey               PRIMARY KEY (id),
    CONSTRAINT batches_request_key_unique UNIQUE (tenant, request_key)
);

-- For batches.page_of_tenant.
CREATE INDEX batches_by_tenant ON batches (tenant, id);
-- For batches.newest_of.
CREATE INDEX batches_by_content ON batches (version_hash);
-- For what is removed with a dataset.
CREATE INDEX batches_by_dataset ON batches (dataset_id);

ALTER TABLE results
    -- Of an answer to a request of a batch: why the model stopped, and the tokens of the attempt that was answered.
    ADD COLUMN finish       json,
    ADD COLUMN answer_usage json;
