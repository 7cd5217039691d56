use std::{sync::Arc, time::Duration};

use runmill_store::{
    conformance::Stores,
    postgres::{PgSettings, PgStore},
};
use runmill_testkit::postgres::TestDatabase;

/// A database of its own for each test, because advisory locks are per database.
async fn stores() -> Stores {
    let database = TestDatabase::create().await;
    let (one, other) = (connect(database.url()).await, connect(database.url()).await);
    one.migrate().await.unwrap();
    Stores::new(Arc::new(one), Arc::new(other), database)
}

async fn connect(url: &str) -> PgStore {
    PgStore::connect(&settings(url)).await.unwrap()
}

fn settings(url: &str) -> PgSettings {
    // Many tests share the server's connections.
    PgSettings { pool_size: 2, connect_timeout: Duration::from_secs(5), ..PgSettings::new(url.into()) }
}

runmill_store::store_conformance!(stores());
