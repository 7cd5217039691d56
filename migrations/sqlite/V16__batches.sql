-- Additive: as migrations/postgres.
CREATE TABLE files (
    dataset_id BLOB    NOT NULL,
    tenant     TEXT    NOT NULL,
    token_id   BLOB,
    name       TEXT    NOT NULL,
    purpose    TEXT    NOT NULL,
    bytes      INTEGER NOT NULL,
    lines      TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    hidden     INTEGER NOT NULL,
    CONSTRAINT files_pkey PRIMARY KEY (dataset_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX files_by_tenant ON files (tenant, dataset_id);

CREATE TABLE batches (
    id                BLOB    NOT NULL,
    tenant            TEXT    NOT NULL,
    token_id          BLOB,
    dataset_id        BLOB    NOT NULL,
    version_hash      TEXT    NOT NULL,
    protocol          TEXT    NOT NULL,
    endpoint          TEXT    NOT NULL,
    model             TEXT    NOT NULL,
    completion_window TEXT    NOT NULL,
    metadata          TEXT,
    faults            TEXT,
    total             INTEGER NOT NULL,
    request_key       TEXT,
    created_at        INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL,
    expired_at        INTEGER,
    output_hidden     INTEGER NOT NULL,
    errors_hidden     INTEGER NOT NULL,
    CONSTRAINT batches_pkey               PRIMARY KEY (id),
    CONSTRAINT batches_request_key_unique UNIQUE (tenant, request_key)
) STRICT, WITHOUT ROWID;

CREATE INDEX batches_by_tenant ON batches (tenant, id);
CREATE INDEX batches_by_content ON batches (version_hash);
CREATE INDEX batches_by_dataset ON batches (dataset_id);

ALTER TABLE results ADD COLUMN finish TEXT;
ALTER TABLE results ADD COLUMN answer_usage TEXT;
