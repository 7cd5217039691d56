//! Rows from before versions 5 to 12 of the schema, to check that the new columns are read with their defaults.

use jiff::Timestamp;
use refinery::Migration;
use runmill_proto::{
    InvocationId, Outcome, ProviderId, Remarks, RunId, RunStatus, Tenant, api::SettingsOverride,
    message::JobKey, testing,
};
use runmill_store::{LogBatch, LogEntry, ResultFilter, Store, Transition};
use uuid::Uuid;

/// Last version without the columns that are checked here.
pub const BEFORE: i32 = 4;

/// Id of every row.
pub const ID: Uuid = Uuid::from_u128(1);

/// Stats of a run with one answer, as the release before wrote them.
const STATS: &str = concat!(
    r#"{"outcomes":{"succeeded":1},"errors":{},"scored":0,"score_sum":0.0,"score_square_sum":0.0,"calls":1,"#,
    r#""retries":0,"duplicates":0,"usage":{"prompt_tokens":3,"completion_tokens":1,"cached_tokens":0,"#,
    r#""reasoning_tokens":0},"cost_nanousd":null,"latencies":[[5,1]]}"#,
);

/// Time at which the run goes on.
const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

/// Returns SQL, for both databases, that inserts a row into each table to which columns were added later, all with
/// one id. `id`, `bytes` and `time` are literals of these types in the dialect of the database.
pub fn rows(id: &str, bytes: &str, time: &str) -> String {
    let no = if time == "0" { "0" } else { "false" };
    format!(
        "INSERT INTO providers VALUES ({id}, 'old', 'google', 'https://h/v1', '{{}}', '{{}}', 1, {time}, {time});
         INSERT INTO provider_secrets VALUES ({id}, {id}, 0, 'api_key', 'main', {bytes}, 'sk');
         INSERT INTO datasets VALUES ({id}, 'old', 'hash', 2, {time});
         INSERT INTO runs (id, provider_id, model, dataset_id, config, priority, status, total, fed, deferred,
                           epoch, seq, stats, created_at, paused_at, retry_count, resumed_count)
         VALUES ({id}, {id}, 'm', {id}, '{{}}', 1, 'running', 2, 2, 1, 0, 0, '{STATS}', {time}, {time}, 0, 0);
         INSERT INTO deferred VALUES ({id}, 0, 0, 1, {time});
         INSERT INTO invocations VALUES ({id}, {id}, 1, 0, {id}, 'm', 'succeeded', NULL, '[]', NULL, NULL, {no}, {time}, 5,
                                         NULL);
         INSERT INTO results VALUES ({id}, 1, 0, 'q', {id}, 'succeeded', NULL, NULL, '4', NULL, NULL, {time});"
    )
}

/// Version of the last migration of the release before the first that says if it is additive.
const LAST_SILENT: i64 = 11;

/// Checks that each migration says if processes of earlier releases work with the schema after it.
pub fn assert_kinds_are_told(migrations: &[Migration]) {
    for migration in migrations.iter().filter(|one| i64::from(one.version()) > LAST_SILENT) {
        let first = migration.sql().unwrap().lines().next().unwrap_or_default();
        assert!(
            ["-- Additive: ", "-- Breaking: "].iter().any(|kind| first.starts_with(kind)),
            "{migration} begins with `{first}`; begin it with `-- Additive: ` and what it adds, if statements of earlier \
             releases work after it, and with `-- Breaking: ` and the reason if not (see shared/store/src/migrations.rs)"
        );
    }
}

/// Returns SQL, for both databases, that records what a newer runmill did: an addition, or something else.
pub fn newer(table: &str) -> String {
    format!(
        "INSERT INTO {table} (version, name, applied_on, checksum) VALUES (9000, 'future', '2030-01-01T00:00:00Z', '1')"
    )
}

/// Checks a store whose rows were made by [`rows`] with [`ID`].
pub async fn assert_read_with_defaults(store: &dyn Store) {
    let provider = store.provider(ProviderId::from_uuid(ID)).await.unwrap();
    assert_eq!(
        (provider.protocol, provider.proxy, provider.settings, provider.secrets[0].weight),
        (None, None, SettingsOverride::default(), 1)
    );
    assert_eq!((provider.tenant, provider.shared), (Tenant::default(), false));
    let id = RunId::from_uuid(ID);
    let run = store.run(id).await.unwrap();
    assert!(
        run.paused_at().is_some()
            && !run.cancel_graceful
            && run.submission.submitted_config.is_none()
            && run.resume_at().is_none()
            && run.submission.traceparent.is_none()
            && run.submission.token_id.is_none()
            && run.submission.tenant == Tenant::default(),
        "{run:?}"
    );
    let due = store.due_jobs(id, Timestamp::MAX, 9).await.unwrap();
    let read: Vec<_> = due.iter().map(|job| (job.attempt, job.failures, job.possible_copy)).collect();
    assert_eq!(read, [(1, 0, false)]);
    assert!(!store.is_led().await.unwrap());
    let results = store.results(id, &ResultFilter::default(), None, 9).await.unwrap();
    let calls = store.invocations(id, None, 9).await.unwrap();
    assert_eq!(calls.iter().map(|call| &call.remarks).collect::<Vec<_>>(), [&Remarks::default()]);
    assert_eq!((results.len(), results[0].tool_calls.len(), &results[0].logprobs), (1, 0, &None));
    assert_goes_on(store, id).await;
}

/// Resumes the run, which is in progress, and records the result of its other job.
async fn assert_goes_on(store: &dyn Store, id: RunId) {
    store.transition(id, Transition::Resume, NOW).await.unwrap();
    let due = store.due_jobs(id, Timestamp::MAX, 9).await.unwrap();
    store.mark_fed(id, 2, &due, NOW).await.unwrap();
    let call = testing::call(InvocationId::from_uuid(Uuid::from_u128(7)));
    let answered =
        testing::invocation(JobKey { run_id: id, ordinal: 0, sample: 0 }, call, Outcome::Succeeded);

    let batch = LogBatch(vec![LogEntry::Invocation(Box::new(answered))]);
    store.write_logs(&batch, NOW).await.unwrap();

    let run = store.run(id).await.unwrap();
    assert_eq!((run.status, run.stats.settled(), run.stats.calls), (RunStatus::Completed, 2, 2));
}
