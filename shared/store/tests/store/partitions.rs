//! Partitions of results and invocations by the month of their runs.

use jiff::Timestamp;
use refinery::Target;
use runmill_proto::RunId;
use runmill_store::{
    ResultFilter, ResultReader as _, Retention as _,
    postgres::{PgSettings, PgStore},
};
use runmill_testkit::postgres::{TestDatabase, texts};
use tokio_postgres::NoTls;
use uuid::Uuid;

mod embedded {
    refinery::embed_migrations!("../../migrations/postgres");
}

const PARTITION_OF: &str = "SELECT tableoid::regclass::text FROM results ORDER BY run_id, ordinal";
const PARTITIONS: &str =
    "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'results'::regclass ORDER BY 1";

async fn connect(url: &str) -> PgStore {
    PgStore::connect(&PgSettings { pool_size: 2, ..PgSettings::new(url.into()) }).await.unwrap()
}

/// Makes an id of this time and number.
fn id(time: &str, number: u128) -> RunId {
    let time: Timestamp = time.parse().unwrap();
    let milliseconds = u128::try_from(time.as_millisecond()).unwrap();
    RunId::from_uuid(Uuid::from_u128(milliseconds << 80 | 0x7000_8000_0000_0000_0000 | number))
}

/// Returns SQL that inserts a run that has ended, with its dataset and one result.
fn ended_run(id: RunId) -> String {
    let id = id.uuid();
    format!(
        "INSERT INTO datasets VALUES ('{id}', 'd', 'hash', 1, now());
         INSERT INTO runs (id, provider_id, model, dataset_id, config, priority, status, total, fed, deferred, epoch, seq,
                           stats, created_at, finished_at, retry_count, resumed_count)
         VALUES ('{id}', '{id}', 'm', '{id}', '{{}}', 1, 'completed', 1, 1, 0, 0, 0,
                 '{{\"outcomes\":{{\"succeeded\":1}},\"errors\":{{}},\"scored\":0,\"score_sum\":0.0,\"score_square_sum\":0.0,\
                   \"calls\":1,\"retries\":0,\"duplicates\":0,\"usage\":{{\"prompt_tokens\":3,\"completion_tokens\":1,\
                   \"cached_tokens\":0,\"reasoning_tokens\":0}},\"cost_nanousd\":null,\"latencies\":[[5,1]]}}',
                 now(), now(), 0, 0);
         INSERT INTO results (run_id, ordinal, sample, item_id, invocation_id, outcome, settled_at)
         VALUES ('{id}', 0, 0, 'q', '{id}', 'succeeded', now());"
    )
}

/// Log-sinks of the release before go on while a new process migrates the database.
#[tokio::test]
async fn tables_of_an_older_release_become_partitions_under_its_prepared_statements() {
    let database = TestDatabase::create().await;
    let (mut client, connection) = tokio_postgres::connect(database.url(), NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    embedded::migrations::runner().set_target(Target::Version(11)).run_async(&mut client).await.unwrap();
    let run = id("2026-01-01T00:00:00Z", 1);
    client.batch_execute(&ended_run(run)).await.unwrap();
    let insert = "INSERT INTO results (run_id, ordinal, sample, item_id, invocation_id, outcome, settled_at) \
                  SELECT $1, $2, 0, 'q', $1, 'succeeded', now() ON CONFLICT DO NOTHING RETURNING run_id";
    let older = client.prepare(insert).await.unwrap();
    assert_eq!(client.query(&older, &[&run.uuid(), &1]).await.unwrap().len(), 1);
    let store = connect(database.url()).await;

    store.migrate().await.unwrap();

    assert_eq!(client.query(&older, &[&run.uuid(), &1]).await.unwrap().len(), 0, "the key is still one");
    assert_eq!(client.query(&older, &[&run.uuid(), &2]).await.unwrap().len(), 1);
    let late = id("2100-01-01T00:00:00Z", 1);
    assert_eq!(client.query(&older, &[&late.uuid(), &0]).await.unwrap().len(), 1);
    let want = ["results_first", "results_first", "results_first", "results_default"];
    assert_eq!(texts(database.url(), PARTITION_OF).await, want);
    assert_eq!(store.results(run, &ResultFilter::default(), None, 9).await.unwrap().len(), 3);
    drop(client);
    connection.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_month_whose_runs_are_all_removed_loses_its_partitions() {
    let database = TestDatabase::create().await;
    let store = connect(database.url()).await;
    store.migrate().await.unwrap();
    let now = |text: &str| text.parse::<Timestamp>().unwrap();
    store.make_partitions(now("2090-01-15T00:00:00Z")).await.unwrap();
    store.make_partitions(now("2090-01-16T00:00:00Z")).await.unwrap();
    let all = ["results_2090_01", "results_2090_02", "results_2090_03", "results_default", "results_first"];
    assert_eq!(texts(database.url(), PARTITIONS).await, all);
    let kept = id("2026-01-01T00:00:00Z", 1);
    let gone = [id("2090-01-01T00:00:00Z", 1), id("2090-01-31T23:59:59.999Z", 2)];
    for id in [kept, gone[0], gone[1]] {
        super::postgres::execute(database.url(), &ended_run(id)).await;
    }
    let want = ["results_first", "results_2090_01", "results_2090_01"];
    assert_eq!(texts(database.url(), PARTITION_OF).await, want);

    store.remove_run(gone[0]).await.unwrap();
    let february = now("2090-02-15T00:00:00Z");
    assert_eq!(store.drop_partitions(february).await.unwrap(), 0, "one of its runs is left");
    store.remove_run(gone[1]).await.unwrap();
    assert_eq!(store.drop_partitions(now("2090-02-01T12:00:00Z")).await.unwrap(), 0, "it is not yet over");
    assert_eq!(store.drop_partitions(february).await.unwrap(), 2);

    let left = ["results_2090_02", "results_2090_03", "results_default", "results_first"];
    assert_eq!(texts(database.url(), PARTITIONS).await, left);
    assert_eq!(texts(database.url(), PARTITION_OF).await, ["results_first"]);
    while store.sweep(10).await.unwrap() {}
    assert_eq!(texts(database.url(), "SELECT id::text FROM removals").await, Vec::<String>::new());
}

/// A writer that waits behind the lock of a busy partition would stop all runs.
#[tokio::test]
async fn a_partition_that_is_read_for_long_is_left_and_its_rows_are_deleted() {
    let database = TestDatabase::create().await;
    let store = connect(database.url()).await;
    store.migrate().await.unwrap();
    let run = id("2026-01-01T00:00:00Z", 1);
    super::postgres::execute(database.url(), &ended_run(run)).await;
    let (reader, connection) = tokio_postgres::connect(database.url(), NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    reader
        .batch_execute("BEGIN; SELECT count(*) FROM results; SELECT count(*) FROM invocations")
        .await
        .unwrap();
    store.remove_run(run).await.unwrap();

    let error = store.drop_partitions("2090-01-01T00:00:00Z".parse().unwrap()).await.unwrap_err();

    assert!(error.is_transient() && error.to_string().contains("55P03"), "{error}");
    while store.sweep(10).await.unwrap() {}
    assert_eq!(texts(database.url(), PARTITION_OF).await, Vec::<String>::new());
    drop(reader);
    connection.await.unwrap().unwrap();
}
