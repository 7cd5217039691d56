CREATE TABLE datasets (
    id           uuid        NOT NULL,
    name         text        NOT NULL,
    version_hash text        NOT NULL,
    item_count   bigint      NOT NULL,
    created_at   timestamptz NOT NULL,
    CONSTRAINT datasets_pkey      PRIMARY KEY (id),
    CONSTRAINT datasets_not_empty CHECK (item_count > 0)
);

-- For datasets.by_hash. Equal content may be uploaded more than once, so it is not unique.
CREATE INDEX datasets_by_hash ON datasets (version_hash);

-- Items in order. They are copied in before their dataset's row, in the same transaction, and a foreign key
-- would queue a check in memory for each of millions of rows: hence none.
CREATE TABLE dataset_items (
    dataset_id uuid    NOT NULL,
    ordinal    integer NOT NULL,
    item_id    text    NOT NULL,
    body       text    NOT NULL,
    CONSTRAINT dataset_items_pkey           PRIMARY KEY (dataset_id, ordinal),
    CONSTRAINT dataset_items_item_id_unique UNIQUE (dataset_id, item_id)
);
