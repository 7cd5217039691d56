use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::SignedDuration;
use refinery::Target;
use runmill_store::{
    Exchange as _, FleetReader as _, FleetState, Leader as _, SettingsReader as _, StoreError,
    conformance::Stores,
    postgres::{PgSettings, PgStore, SchemaState},
};
use runmill_testkit::postgres::{PrivatePostgres, TestDatabase, texts};
use tokio_postgres::NoTls;

use crate::upgrade;

mod embedded {
    refinery::embed_migrations!("../../migrations/postgres");
}

/// Creates a database for each test, because a database has one lead.
async fn stores() -> Stores {
    let database = TestDatabase::create().await;
    let (one, other) = (connect(database.url()).await, connect(database.url()).await);
    one.migrate().await.unwrap();
    Stores::new(Arc::new(one), Arc::new(other), database)
}

pub async fn connect(url: &str) -> PgStore {
    PgStore::connect(&settings(url)).await.unwrap()
}

fn settings(url: &str) -> PgSettings {
    // Many tests share the server's connections.
    PgSettings { pool_size: 2, connect_timeout: Duration::from_secs(5), ..PgSettings::new(url.into()) }
}

/// Returns the error of a connection that fails, and the time that it took.
async fn refusal(url: &str) -> (StoreError, Duration) {
    let start = Instant::now();
    let error = PgStore::connect(&settings(url)).await.err().unwrap();
    (error, start.elapsed())
}

runmill_store::store_conformance!(stores());

#[tokio::test]
async fn processes_that_migrate_at_once_do_not_collide() {
    let database = TestDatabase::create().await;
    let (one, other) = (connect(database.url()).await, connect(database.url()).await);

    let (first, second) = tokio::join!(one.migrate(), other.migrate());
    first.unwrap();
    second.unwrap();
    one.migrate().await.unwrap();

    assert_eq!(other.settings().await.unwrap().1, 0);
}

#[tokio::test]
async fn what_an_older_runmill_wrote_is_read_with_the_defaults() {
    let database = TestDatabase::create().await;
    let (mut client, connection) = tokio_postgres::connect(database.url(), NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    let older = embedded::migrations::runner().set_target(Target::Version(upgrade::BEFORE));
    older.run_async(&mut client).await.unwrap();
    let id = format!("'{}'", upgrade::ID);
    client.batch_execute(&upgrade::rows(&id, "'\\x01'", "now()")).await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
    let store = connect(database.url()).await;

    store.migrate().await.unwrap();

    upgrade::assert_read_with_defaults(&store).await;
}

/// Executors of both releases work side by side while a fleet is upgraded.
#[tokio::test]
async fn an_executor_of_a_release_without_shares_holds_none() {
    let database = TestDatabase::create().await;
    let (mut client, connection) = tokio_postgres::connect(database.url(), NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    let older = embedded::migrations::runner().set_target(Target::Version(8));
    older.run_async(&mut client).await.unwrap();
    let beat = "INSERT INTO executors (name, seen_at, report, talk, beats) VALUES ('old', clock_timestamp(), '{}', '{}', 1) \
                ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at, beats = executors.beats + 1";
    client.batch_execute(beat).await.unwrap();
    let store = connect(database.url()).await;

    store.migrate().await.unwrap();
    client.batch_execute(beat).await.unwrap();

    let (now, fleet) = store.fleet().await.unwrap();
    assert_eq!(fleet, FleetState { read_at: now, ..FleetState::default() });
    let after = now + SignedDuration::from_hours(1);
    store.forget_executors(after).await.unwrap();
    let left = "SELECT name FROM executors";
    assert_eq!(texts(database.url(), left).await, Vec::<String>::new());
    drop(client);
    connection.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_database_of_a_newer_runmill_is_refused() {
    let database = TestDatabase::create().await;
    let store = connect(database.url()).await;
    store.migrate().await.unwrap();
    execute(database.url(), &upgrade::newer("refinery_schema_history")).await;

    let error = store.migrate().await.unwrap_err();

    assert!(matches!(error, StoreError::NewerSchema { found: 9000, .. }), "{error}");
    assert!(error.to_string().contains("use the newer runmill"), "{error}");
}

/// A process of this release can start while the database has what the next one added.
#[tokio::test]
async fn a_database_to_which_a_newer_runmill_has_added_is_used() {
    let database = TestDatabase::create().await;
    let store = connect(database.url()).await;
    store.migrate().await.unwrap();
    execute(database.url(), &upgrade::newer("schema_additions")).await;

    store.migrate().await.unwrap();

    assert_eq!(store.inspect().await.unwrap().schema, SchemaState::UpToDate);
    assert_eq!(store.settings().await.unwrap().1, 0);
}

#[test]
fn each_migration_says_if_it_is_additive() {
    upgrade::assert_kinds_are_told(embedded::migrations::runner().get_migrations());
}

pub async fn execute(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_without_the_password() {
    let (error, _) = refusal("postgresql+psycopg://ada:hunter2@127.0.0.1:1/runs").await;

    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    let text = error.to_string();
    assert!(text.contains("PostgreSQL at 127.0.0.1:1") && text.contains("refused"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up_in_time() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgresql://ada:hunter2@{}/runs", silent.local_addr().unwrap());

    let (error, elapsed) = refusal(&url).await;

    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    assert!(elapsed < Duration::from_secs(9), "{elapsed:?}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_database_that_is_not_there_is_unavailable() {
    let database = TestDatabase::create().await;
    let url = format!("{}_not_there", database.url());

    let (error, _) = refusal(&url).await;

    let text = error.to_string();
    assert!(matches!(error, StoreError::Unavailable(_)) && text.contains("does not exist"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lead_outlasts_a_restart_of_the_server_within_its_lease() {
    let server = PrivatePostgres::launch();
    let store = connect(&server.url()).await;
    store.migrate().await.unwrap();
    let lead = store.try_lead(Duration::from_mins(5)).await.unwrap().unwrap();

    server.stop();
    let error = lead.renew().await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    server.start();

    assert_eq!(store.settings().await.unwrap().1, 0);
    // A restart may take longer than a lead is held without a session: then it is held again when it is renewed.
    assert!(lead.renew().await.unwrap() && lead.is_held());
    assert!(store.try_lead(Duration::from_mins(5)).await.unwrap().is_none());
}

/// The leader of a release without leases holds an advisory lock in its session.
#[tokio::test]
async fn nobody_takes_the_lead_from_a_leader_of_an_older_release() {
    let database = TestDatabase::create().await;
    let store = connect(database.url()).await;
    store.migrate().await.unwrap();
    let (older, connection) = tokio_postgres::connect(database.url(), NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    older.batch_execute("SELECT pg_advisory_lock(x'72756e6d696c6c02'::bigint)").await.unwrap();

    assert!(store.try_lead(Duration::from_mins(5)).await.unwrap().is_none());
    older.batch_execute("SELECT pg_advisory_unlock(x'72756e6d696c6c02'::bigint)").await.unwrap();

    assert!(store.try_lead(Duration::from_mins(5)).await.unwrap().is_some());
    drop(older);
    connection.await.unwrap().unwrap();
}

/// Debian starts PostgreSQL with a certificate that it signed itself.
#[tokio::test]
async fn encryption_is_preferred_and_a_certificate_checked_only_where_it_is_required() {
    let server = PrivatePostgres::launch_with_tls();

    let preferred = PgStore::connect(&settings(&server.url())).await;
    assert!(preferred.is_ok(), "{:?}", preferred.err());
    let encrypted = "DO $$ BEGIN ASSERT (SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                     WHERE application_name = 'runmill'); END $$";
    execute(&server.url(), encrypted).await;

    let (error, _) = refusal(&format!("{}?sslmode=require", server.url())).await;
    assert!(error.to_string().contains("certificate"), "{error}");
    assert!(PgStore::connect(&settings(&format!("{}?sslmode=disable", server.url()))).await.is_ok());
}
