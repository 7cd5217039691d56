//! Values and assertions that the cases share.

use futures::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use runmill_proto::{
    DatasetId, ErrorKind, InvocationId, Outcome, ProviderId, RunConfig, RunId, Score, Tenant, Usage,
    api::{Capabilities, Dataset, ProviderKind, RateLimit, ResultRecord, RunEvent, SettingsOverride},
    message::{Attempt, Call, Deferred, Invocation, JobKey},
    testing,
};
use serde_json::json;
use uuid::Uuid;

use crate::{
    CreatedRun, EventPage, Lines, LogBatch, LogEntry, NewDataset, NewSecret, ProviderRow, ResultFilter,
    RunRow, SecretKind, Store, StoreError, StoredItem, testing::run_of,
};

/// Returns the time `seconds` after a fixed start.
pub fn at(seconds: i64) -> Timestamp {
    at_ms(seconds * 1000)
}

pub fn at_ms(milliseconds: i64) -> Timestamp {
    Timestamp::from_second(1_760_000_000).unwrap() + SignedDuration::from_millis(milliseconds)
}

pub fn secret(kind: SecretKind, name: &str) -> NewSecret {
    NewSecret {
        id: Uuid::now_v7(),
        kind,
        name: name.into(),
        sealed: vec![1, 2, 3],
        masked: "sk-…9".into(),
        weight: 1,
    }
}

pub fn provider(name: &str) -> ProviderRow {
    ProviderRow {
        id: ProviderId::from_uuid(Uuid::now_v7()),
        tenant: Tenant::default(),
        shared: false,
        name: name.into(),
        kind: ProviderKind::Openai,
        protocol: None,
        base_url: "https://api.example/v1".into(),
        proxy: Some("none".into()),
        secrets: vec![secret(SecretKind::ApiKey, "main"), secret(SecretKind::Header, "x-team")],
        capabilities: Capabilities { images: Some(true), ..Capabilities::default() },
        rate_limit: RateLimit { concurrency: Some(20), rps: Some(0.1), ..RateLimit::default() },
        settings: SettingsOverride::default(),
        version: 1,
        created_at: at(0),
        updated_at: at(0),
    }
}

pub fn item(ordinal: u32) -> StoredItem {
    let subject = if ordinal.is_multiple_of(2) { "even" } else { "odd" };
    let meta = json!({"subject": subject, "page": ordinal / 2});
    let item_id = format!("q{ordinal}");
    StoredItem { body: json!({"id": item_id, "meta": meta}).to_string(), item_id }
}

pub fn lines(items: impl IntoIterator<Item = StoredItem, IntoIter: Send + 'static>) -> Lines<'static> {
    stream::iter(items.into_iter().map(Ok)).boxed()
}

pub fn new_dataset(name: &str) -> NewDataset {
    NewDataset {
        id: DatasetId::from_uuid(Uuid::now_v7()),
        tenant: Tenant::default(),
        name: name.into(),
        created_at: at(0),
    }
}

pub async fn dataset(store: &dyn Store, items: u32) -> Dataset {
    store.create_dataset(new_dataset("items"), lines((0..items).map(item))).await.unwrap()
}

/// Returns a run that was not created yet, of an existing provider and dataset.
pub async fn new_run(store: &dyn Store, items: u32) -> RunRow {
    let provider = provider(&format!("provider {}", Uuid::now_v7()));
    store.create_provider(&provider).await.unwrap();
    let dataset = dataset(store, items).await;
    let mut row = run_of(RunId::from_uuid(Uuid::now_v7()), provider.id, dataset.id, u64::from(items));
    row.created_at = at(0);
    row.submission.name = Some("nightly".into());
    row.submission.model = "gpt-4o-mini".into();
    row.submission.config = config(json!({"generation": {"temperature": 0.2, "seed": 7}, "team": "ours"}));
    row.submission.budget = Some(json!({"usd": 2.5}));
    row
}

pub fn config(value: serde_json::Value) -> RunConfig {
    serde_json::from_value(value).unwrap()
}

pub async fn create(store: &dyn Store, row: &RunRow) -> RunRow {
    match store.create_run(row).await.unwrap() {
        CreatedRun::New(row) => row,
        CreatedRun::Existing(row) => panic!("run {} was there", row.id),
    }
}

/// Creates a run without any fed job.
pub async fn pending_run(store: &dyn Store, items: u32) -> RunRow {
    let row = new_run(store, items).await;
    create(store, &row).await
}

/// Creates a run with all its jobs in the queue.
pub async fn fed_run(store: &dyn Store, items: u32) -> RunRow {
    let row = pending_run(store, items).await;
    store.mark_fed(row.id, u64::from(items), &[], at(1)).await.unwrap();
    store.run(row.id).await.unwrap()
}

fn call(run: &RunRow) -> Call {
    Call {
        provider_id: run.submission.provider_id,
        model: run.submission.model.clone(),
        attempts: vec![attempt(None)],
        usage: Some(Usage { prompt_tokens: 10, completion_tokens: 5, ..Usage::default() }),
        started_at: at(1),
        latency_ms: 250,
        ttft_ms: Some(90),
        cost_nanousd: Some(1_500),
        ..testing::call(InvocationId::from_uuid(Uuid::now_v7()))
    }
}

pub fn attempt(error_kind: Option<ErrorKind>) -> Attempt {
    Attempt {
        started_at: at(1),
        latency_ms: 250,
        status: Some(if error_kind.is_some() { 500 } else { 200 }),
        error_kind,
        error: error_kind.map(|kind| format!("upstream said {kind}")),
        ..testing::attempt()
    }
}

/// Returns the invocation of a job that was answered correctly.
pub fn answered(run: &RunRow, ordinal: u32) -> Invocation {
    let key = JobKey { run_id: run.id, ordinal, sample: 0 };
    Invocation {
        epoch: run.cursor.epoch,
        question: "2 + 2?".into(),
        response: Some("4".into()),
        reasoning: Some("two and two".into()),
        score: Some(Score {
            scorer: "exact".into(),
            version: 1,
            value: Some(1.0),
            extracted: Some("4".into()),
            detail: None,
        }),
        ..testing::invocation(key, call(run), Outcome::Succeeded)
    }
}

pub fn failed(run: &RunRow, ordinal: u32) -> Invocation {
    let mut invocation = answered(run, ordinal);
    invocation.call.attempts =
        vec![attempt(Some(ErrorKind::ServerError)), attempt(Some(ErrorKind::Overloaded))];
    Invocation {
        outcome: Outcome::Failed,
        error_kind: Some(ErrorKind::Overloaded),
        error: Some("the model is overloaded".into()),
        response: None,
        reasoning: None,
        score: None,
        ..invocation
    }
}

pub fn deferred(run: &RunRow, ordinal: u32, not_before: Timestamp) -> Deferred {
    Deferred {
        run_id: run.id,
        ordinal,
        sample: 0,
        epoch: run.cursor.epoch,
        attempt: 0,
        failures: 0,
        not_before,
        reason: Deferred::WORKER_SHUTDOWN.into(),
        pause: false,
        pause_cause: None,
        unreachable: false,
        call: Call { attempts: vec![attempt(Some(ErrorKind::Interrupted))], ..call(run) },
    }
}

impl From<Invocation> for LogEntry {
    fn from(invocation: Invocation) -> Self {
        Self::Invocation(Box::new(invocation))
    }
}

impl From<Deferred> for LogEntry {
    fn from(deferred: Deferred) -> Self {
        Self::Deferred(Box::new(deferred))
    }
}

pub fn batch<T: Into<LogEntry>>(entries: impl IntoIterator<Item = T>) -> LogBatch {
    LogBatch(entries.into_iter().map(Into::into).collect())
}

pub async fn events(store: &dyn Store, run: RunId) -> Vec<RunEvent> {
    let pages = store.events(run, 0, u32::MAX).await.unwrap();
    let numbered: Vec<_> = pages.into_iter().flat_map(EventPage::numbered).collect();
    for ((seq, _), expected) in numbered.iter().zip(1..) {
        assert_eq!(*seq, expected, "seqs are dense");
    }
    numbered.into_iter().map(|(_, event)| event).collect()
}

pub async fn event_names(store: &dyn Store, run: RunId) -> Vec<&'static str> {
    events(store, run).await.iter().map(RunEvent::name).collect()
}

pub async fn all_results(store: &dyn Store, run: RunId) -> Vec<ResultRecord> {
    store.results(run, &ResultFilter::default(), None, u32::MAX).await.unwrap()
}

/// Checks the promise that counters equal the rows, and `seq` the events.
pub async fn assert_counters_equal_rows(store: &dyn Store, run: RunId) {
    let row = store.run(run).await.unwrap();
    let results = all_results(store, run).await;
    let invocations = store.invocations(run, None, u32::MAX).await.unwrap();
    for outcome in Outcome::ALL {
        let rows = results.iter().filter(|result| result.outcome == *outcome).count();
        assert_eq!(row.stats.outcome(*outcome), rows as u64, "{outcome}");
    }
    let scored = results.iter().filter(|result| result.score.is_some()).count();
    assert_eq!(row.stats.scores.count(), scored as u64);
    let attempts = || invocations.iter().flat_map(|call| &call.attempts);
    let sent = |unsent| attempts().filter(|attempt| attempt.unsent == unsent).count() as u64;
    assert_eq!(row.stats.calls, sent(false));
    assert_eq!(row.stats.unreached, sent(true));
    let messages = row.stats.messages.by_frequency();
    let failed: u64 = row.stats.errors.values().sum();
    assert_eq!(messages.iter().map(|message| message.jobs).sum::<u64>(), failed);
    let prompt_tokens: u64 =
        invocations.iter().filter_map(|call| call.usage).map(|usage| usage.prompt_tokens).sum();
    assert_eq!(row.stats.usage.prompt_tokens, prompt_tokens);
    let due = store.due_jobs(run, Timestamp::MAX, u32::MAX).await.unwrap();
    assert_eq!(row.cursor.deferred, due.len() as u64);
    assert_eq!(row.seq, events(store, run).await.len() as u64);
}

pub fn assert_conflict<T>(result: Result<T, StoreError>) {
    let error = result.err();
    assert!(matches!(error, Some(StoreError::Conflict(_))), "{error:?}");
}

pub fn assert_not_found<T>(result: Result<T, StoreError>, what: &str) {
    let error = result.err();
    assert!(matches!(&error, Some(StoreError::NotFound { what: found, .. }) if *found == what), "{error:?}");
}
