//! The store behind `PgBouncer` in transaction mode, which gives each transaction another session of the server.

use std::sync::Arc;

use runmill_store::{
    SettingsReader as _, SettingsWriter as _,
    conformance::Stores,
    postgres::{PgSettings, PgStore},
};
use runmill_testkit::{
    PgBouncer,
    postgres::{TestDatabase, texts},
};

async fn stores() -> Stores {
    let database = TestDatabase::create().await;
    let bouncer = PgBouncer::launch(database.url());
    let url = bouncer.url_of(database.url());
    let (one, other) = (connect(&url).await, connect(&url).await);
    assert!(one.is_pooled(), "the pooler is not noticed");
    one.migrate().await.unwrap();
    Stores::new(Arc::new(one), Arc::new(other), (bouncer, database))
}

async fn connect(url: &str) -> PgStore {
    // More connections than the pooler has sessions, so that they share these.
    PgStore::connect(&PgSettings { pool_size: 4, ..PgSettings::new(url.into()) }).await.unwrap()
}

runmill_store::store_conformance!(stores());

#[tokio::test]
async fn a_server_that_is_reached_directly_keeps_prepared_statements() {
    let database = TestDatabase::create().await;
    assert!(!connect(database.url()).await.is_pooled());
}

/// A lock or a setting that stays in a pooled session belongs to whoever gets the session next.
#[tokio::test]
async fn nothing_of_a_migration_stays_in_a_pooled_session() {
    let database = TestDatabase::create().await;
    let bouncer = PgBouncer::launch(database.url());
    let store = connect(&bouncer.url_of(database.url())).await;

    store.migrate().await.unwrap();
    store.put_settings(&store.settings().await.unwrap().0).await.unwrap();

    let locks = "SELECT count(*)::text FROM pg_locks JOIN pg_database ON pg_database.oid = database \
                 WHERE locktype = 'advisory' AND datname = current_database()";
    assert_eq!(texts(database.url(), locks).await, ["0"]);
    let left = "SELECT name || '=' || setting FROM pg_settings \
                WHERE name IN ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'jit') \
                AND source = 'session' UNION ALL SELECT name FROM pg_prepared_statements";
    for _ in 0..8 {
        assert_eq!(texts(&bouncer.url_of(database.url()), left).await, Vec::<String>::new());
    }
}
