//! Servers, roles and databases that are not set up as runmill needs them.

use runmill_store::{
    SettingsReader as _, StoreError,
    postgres::{ALL_TABLES, PgSettings, PgStore, SchemaState, StoreFault},
};
use runmill_testkit::postgres::{TestDatabase, texts};

async fn connect(url: &str) -> PgStore {
    PgStore::connect(&PgSettings { pool_size: 2, ..PgSettings::new(url.into()) }).await.unwrap()
}

#[tokio::test]
async fn an_empty_database_is_looked_at_and_left_empty() {
    let database = TestDatabase::create().await;
    let store = connect(database.url()).await;

    let found = store.inspect().await.unwrap();

    assert_eq!((found.schema, found.faults), (SchemaState::Empty, vec![]));
    let tables = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace \
                  AND relkind IN ('r', 'p') AND NOT relispartition";
    assert_eq!(texts(database.url(), tables).await, Vec::<String>::new());

    store.migrate().await.unwrap();

    assert_eq!(store.inspect().await.unwrap().schema, SchemaState::UpToDate);
    let mut tables = texts(database.url(), tables).await;
    tables.retain(|name| !["refinery_schema_history", "schema_additions"].contains(&name.as_str()));
    tables.sort();
    assert_eq!(tables, ALL_TABLES);
}

#[tokio::test]
async fn a_plain_role_is_told_which_right_is_missing() {
    let database = TestDatabase::create().await;
    let role = format!("plain_{}", database.url().rsplit('_').next().unwrap());
    let make =
        format!("DO $$ BEGIN CREATE ROLE {role} LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC; END $$");
    super::postgres::execute(database.url(), &make).await;
    let url = as_role(database.url(), &role);
    let store = connect(&url).await;

    let found = store.inspect().await.unwrap();
    assert!(matches!(found.faults.as_slice(), [StoreFault::MayNotCreate { .. }]), "{:?}", found.faults);
    let error = store.migrate().await.unwrap_err().to_string();
    assert!(error.contains("permission denied") && error.contains("42501"), "{error}");

    connect(database.url()).await.migrate().await.unwrap();
    let error = store.check_tables().await.unwrap_err();
    assert!(matches!(error, StoreError::Unsuitable(_)), "{error}");
    assert!(error.to_string().contains("GRANT SELECT"), "{error}");
    let cleared = format!("DROP OWNED BY {role}; DROP ROLE {role}");
    drop(store);
    super::postgres::execute(database.url(), &cleared).await;
}

fn as_role(url: &str, role: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap();
    let rest = rest.split_once('@').map_or(rest, |(_, rest)| rest);
    format!("{scheme}://{role}@{rest}")
}

#[tokio::test]
async fn an_encoding_that_lacks_characters_is_refused() {
    let database = TestDatabase::create().await;
    let name = format!("latin1_{}", database.url().rsplit('_').next().unwrap());
    let create = format!("CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    super::postgres::execute(database.url(), &create).await;
    let url = format!("{}/{name}", database.url().rsplit_once('/').unwrap().0);
    let store = connect(&url).await;

    let error = store.require_suitable().await.unwrap_err().to_string();

    drop(store);
    super::postgres::execute(database.url(), &format!("DROP DATABASE {name} WITH (FORCE)")).await;
    assert!(error.contains("LATIN1") && error.contains("ENCODING 'UTF8'"), "{error}");
}

#[tokio::test]
async fn a_table_that_is_missing_is_named() {
    let database = TestDatabase::create().await;
    let store = connect(database.url()).await;
    store.migrate().await.unwrap();
    super::postgres::execute(database.url(), "ALTER TABLE results RENAME TO elsewhere").await;

    let error = store.check_tables().await.unwrap_err().to_string();

    assert!(error.contains("no tables results"), "{error}");
    // The error of a statement is one that may pass, since a migration may be in progress.
    super::postgres::execute(database.url(), "ALTER TABLE settings RENAME TO elsewhere_too").await;
    let error = store.settings().await.unwrap_err();
    assert!(error.is_transient() && error.to_string().contains("42P01"), "{error}");
}

/// The defaults of a role decide nothing: a statement's time limit, a commit that is not on disk, the isolation.
#[tokio::test]
async fn the_defaults_of_a_database_are_overruled() {
    let database = TestDatabase::create().await;
    let name = database.url().rsplit('/').next().unwrap();
    for setting in [
        "synchronous_commit = off",
        "default_transaction_isolation = 'serializable'",
        "statement_timeout = '1ms'",
    ] {
        super::postgres::execute(database.url(), &format!("ALTER DATABASE {name} SET {setting}")).await;
    }

    let store = connect(database.url()).await;

    store.migrate().await.unwrap();
    assert!(store.require_suitable().await.is_ok());
}
