CREATE TABLE datasets (
    id           BLOB    NOT NULL,
    name         TEXT    NOT NULL,
    version_hash TEXT    NOT NULL,
    item_count   INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    CONSTRAINT datasets_pkey      PRIMARY KEY (id),
    CONSTRAINT datasets_not_empty CHECK (item_count > 0)
) STRICT, WITHOUT ROWID;

-- For datasets.by_hash. Equal content may be uploaded more than once, so it is not unique.
CREATE INDEX datasets_by_hash ON datasets (version_hash);

-- Items in order. They come in before their dataset's row.
CREATE TABLE dataset_items (
    dataset_id BLOB    NOT NULL,
    ordinal    INTEGER NOT NULL,
    item_id    TEXT    NOT NULL,
    body       TEXT    NOT NULL,
    CONSTRAINT dataset_items_pkey           PRIMARY KEY (dataset_id, ordinal),
    CONSTRAINT dataset_items_item_id_unique UNIQUE (dataset_id, item_id)
) STRICT, WITHOUT ROWID;

-- Datasets on their way in. An upload is written in many small transactions, so that a slow one does not hold
-- the only writer; what a crash leaves of it is found here, and removed, when the file is opened.
CREATE TABLE uploads (
    dataset_id BLOB NOT NULL,
    CONSTRAINT uploads_pkey PRIMARY KEY (dataset_id)
) STRICT, WITHOUT ROWID;
