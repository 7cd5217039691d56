use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use runmill_proto::{
    ErrorKind, Outcome, Role, RunId, RunKind, RunStatus, Score, TokenId,
    api::{LightevalMetric, LightevalOutcome, RunEvent},
    message::{EvaluatedSample, Evaluation, EvaluationPart},
};
use serde_json::json;
use uuid::Uuid;

use super::{
    Stores,
    world::{all_results, assert_conflict, assert_not_found, at, event_names, events, provider},
};
use crate::{
    ClaimedEvaluation, CreatedRun, DEATHS_MAX, NewEvaluation, RunRow, Store, StoreError, TokenRow,
    Transition, Written, testing::run_of,
};

/// Longer than a test takes.
const LONG: Duration = Duration::from_mins(5);
/// A lease that a test lets end.
const SHORT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

async fn new_row(store: &dyn Store) -> RunRow {
    let provider = provider(&format!("provider {}", Uuid::now_v7()));
    store.create_provider(&provider).await.unwrap();
    let id = RunId::from_uuid(Uuid::now_v7());
    let dataset = runmill_proto::DatasetId::from_uuid(id.uuid());
    let mut row = run_of(id, provider.id, dataset, 0);
    row.created_at = at(0);
    row.submission.kind = RunKind::Lighteval;
    row
}

fn evaluation(row: &RunRow) -> NewEvaluation {
    let id = TokenId::from_uuid(Uuid::now_v7());
    NewEvaluation {
        tasks: json!({"tasks": ["gsm8k|0"]}),
        config: "model_parameters: {}\n".into(),
        sealed: vec![1, 2, 3],
        token: TokenRow {
            id,
            name: row.id.to_string(),
            prefix: format!("rmt_{}", id.uuid().simple()),
            hash: vec![7; 32],
            role: Role::Submit,
            tenant: Some(row.submission.tenant.clone()),
            providers: Some(vec![row.submission.provider_id]),
            budget: None,
            created_at: at(0),
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
            run_id: Some(row.id),
        },
    }
}

async fn created(store: &dyn Store) -> RunRow {
    let row = new_row(store).await;
    match store.create_evaluation(&row, &evaluation(&row)).await.unwrap() {
        CreatedRun::New(row) => row,
        CreatedRun::Existing(row) => panic!("run {} was there", row.id),
    }
}

async fn claim(store: &dyn Store, lease: Duration) -> Option<ClaimedEvaluation> {
    store.claim_evaluation("one", lease, at(1)).await.unwrap()
}

/// Waits until a lease has run out. A store without a clock is told the time.
async fn take_over(store: &dyn Store, lease: Duration) -> ClaimedEvaluation {
    let began = Instant::now();
    let taken = async {
        loop {
            if let Some(claimed) = store.claim_evaluation("other", lease, later(began)).await.unwrap() {
                break claimed;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONGEST_WAIT, taken).await.unwrap()
}

fn later(began: Instant) -> Timestamp {
    at(1) + SignedDuration::try_from(began.elapsed()).unwrap()
}

fn answered(n: u32) -> EvaluatedSample {
    EvaluatedSample {
        item_id: format!("gsm8k|0:{n}"),
        body: format!(r#"{{"id":"gsm8k|0:{n}","type":"freeform","inputs":{{"text":"?"}}}}"#),
        question: "?".into(),
        response: Some("4".into()),
        error_kind: None,
        error: None,
        score: Some(Score {
            scorer: "em".into(),
            version: 1,
            value: Some(1.0),
            extracted: None,
            detail: None,
        }),
    }
}

fn unanswered(n: u32) -> EvaluatedSample {
    EvaluatedSample {
        response: None,
        error_kind: Some(ErrorKind::EmptyAnswer),
        error: Some("Connection error.".into()),
        score: None,
        ..answered(n)
    }
}

fn part(run: RunId, attempt: u32, part: EvaluationPart) -> Evaluation {
    Evaluation { run_id: run, attempt, part }
}

fn samples(total: u32, first: u32, samples: Vec<EvaluatedSample>) -> EvaluationPart {
    EvaluationPart::Samples { total, first, samples }
}

fn lines(number: u64, line: &str) -> EvaluationPart {
    EvaluationPart::Lines { number, lines: vec![line.into()] }
}

fn outcome() -> LightevalOutcome {
    LightevalOutcome {
        metrics: vec![LightevalMetric { task: "gsm8k|0".into(), name: "em".into(), value: 0.5 }],
        samples: 2,
        unanswered: 1,
        reason: Some("Connection error.".into()),
    }
}

async fn write(store: &dyn Store, evaluation: &Evaluation) -> Written {
    store.write_evaluation(evaluation, at(2)).await.unwrap()
}

fn ignored() -> Written {
    Written { redelivered: 1, ..Written::default() }
}

pub async fn a_run_of_lighteval_is_made_once_with_a_dataset_and_a_token_of_its_own(stores: &Stores) {
    let store = &*stores.one;
    let mut row = new_row(store).await;
    row.submission.idempotency_key = Some("nightly".into());
    let first = evaluation(&row);
    assert!(matches!(store.create_evaluation(&row, &first).await.unwrap(), CreatedRun::New(_)));
    let again = RunRow { id: RunId::from_uuid(Uuid::now_v7()), ..row.clone() };
    let second = evaluation(&again);
    let existing = stores.other.create_evaluation(&again, &second).await.unwrap();

    assert!(matches!(existing, CreatedRun::Existing(found) if found.id == row.id));
    assert_eq!(store.token_by_prefix(&second.token.prefix).await.unwrap(), None);
    assert_eq!(store.token_by_prefix(&first.token.prefix).await.unwrap(), Some(first.token));
    assert_eq!(store.tokens(None, None, 10).await.unwrap(), [], "it is no user's");
    assert_eq!(store.tokens(Some(&row.submission.tenant), None, 10).await.unwrap(), []);
    assert_eq!(store.dataset(row.submission.dataset_id).await.unwrap().item_count, 1);
    assert_eq!(store.active_runs().await.unwrap(), [], "nothing of it is fed");
    let found = store.run(row.id).await.unwrap();
    assert_eq!((found.submission.kind, found.status), (RunKind::Lighteval, RunStatus::Pending));
}

pub async fn of_two_executors_one_has_a_run(stores: &Stores) {
    let run = created(&*stores.one).await;
    let claims = futures::future::join(claim(&*stores.one, LONG), claim(&*stores.other, LONG)).await;

    let ((Some(claimed), None) | (None, Some(claimed))) = claims else { panic!("{claims:?}") };
    let want = evaluation(&run);
    assert_eq!((claimed.run_id, claimed.attempt), (run.id, 1));
    assert_eq!((claimed.tasks, claimed.config, claimed.sealed), (want.tasks, want.config, want.sealed));
    assert!(stores.other.renew_evaluation(run.id, 1, LONG, at(1)).await.unwrap());
    assert!(!stores.other.renew_evaluation(run.id, 2, LONG, at(1)).await.unwrap(), "nobody has that");
    assert_eq!(stores.one.run(run.id).await.unwrap().status, RunStatus::Running);
}

pub async fn a_run_that_is_given_back_is_claimed_at_once_and_nobody_died(stores: &Stores) {
    let run = created(&*stores.one).await;
    for attempt in 1..=DEATHS_MAX + 2 {
        assert_eq!(claim(&*stores.one, LONG).await.unwrap().attempt, attempt);
        stores.other.release_evaluation(run.id, attempt).await.unwrap();
    }

    assert_eq!(stores.one.end_dead_evaluations(at(1_000)).await.unwrap(), []);
}

pub async fn a_run_over_which_executors_died_fails(stores: &Stores) {
    let store = &*stores.one;
    let run = created(store).await;
    let first = claim(store, SHORT).await.unwrap();
    let second = take_over(&*stores.other, SHORT).await;
    assert_eq!((first.attempt, second.attempt), (1, 2));
    assert!(!store.renew_evaluation(run.id, 1, LONG, at(1)).await.unwrap(), "another has it");
    store.release_evaluation(run.id, 1).await.unwrap();
    let began = Instant::now();
    assert_eq!(take_over(store, SHORT).await.attempt, 3);

    let ended = async {
        loop {
            let ended = stores.other.end_dead_evaluations(later(began) + SignedDuration::from_secs(10)).await;
            let ended = ended.unwrap();
            if !ended.is_empty() {
                break ended;
            }
            tokio::task::yield_now().await;
        }
    };
    assert_eq!(tokio::time::timeout(LONGEST_WAIT, ended).await.unwrap(), [run.id]);

    let row = store.run(run.id).await.unwrap();
    assert_eq!(row.status, RunStatus::Failed);
    let reason = row.lighteval.unwrap().reason.unwrap();
    assert!(reason.starts_with("3 executors died"), "{reason}");
    assert_eq!(claim(store, LONG).await, None);
}

pub async fn samples_become_items_and_results(stores: &Stores) {
    let store = &*stores.one;
    let run = created(store).await;
    claim(store, LONG).await.unwrap();
    let parts = [
        part(run.id, 1, lines(1, "loading")),
        part(run.id, 1, samples(2, 0, vec![answered(0)])),
        part(run.id, 1, samples(2, 1, vec![unanswered(1)])),
    ];
    for part in &parts {
        write(store, part).await;
        let again = write(&*stores.other, part).await;
        assert_eq!((again.results, again.ended.len()), (0, 0), "{part:?}");
    }
    assert_eq!(store.run(run.id).await.unwrap().status, RunStatus::Running);
    let end = EvaluationPart::Completed { outcome: outcome(), version_hash: "898f".into() };
    let written = write(store, &part(run.id, 1, end.clone())).await;
    assert_eq!(written.ended, [run.id]);
    assert_eq!(write(store, &part(run.id, 1, end)).await, ignored());

    let row = store.run(run.id).await.unwrap();
    assert_eq!((row.status, row.total, row.lighteval.as_ref()), (RunStatus::Completed, 2, Some(&outcome())));
    let results = all_results(store, run.id).await;
    let found: Vec<_> = results.iter().map(|it| (it.item_id.as_str(), it.outcome, it.error_kind)).collect();
    let empty = Some(ErrorKind::EmptyAnswer);
    assert_eq!(found, [("gsm8k|0:0", Outcome::Succeeded, None), ("gsm8k|0:1", Outcome::Failed, empty)]);
    assert_eq!((row.stats.scores.count(), row.stats.outcome(Outcome::Failed)), (1, 1), "no score of 0");
    let dataset = store.dataset(row.submission.dataset_id).await.unwrap();
    assert_eq!((dataset.item_count, dataset.version_hash.as_str()), (2, "898f"));
    let items = store.items(dataset.id, 0, 10).await.unwrap();
    assert_eq!(items.iter().map(|it| it.item_id.as_str()).collect::<Vec<_>>(), ["gsm8k|0:0", "gsm8k|0:1"]);
    assert_eq!(row.seq, events(store, run.id).await.len() as u64);
    let names = event_names(store, run.id).await;
    assert_eq!(names.iter().filter(|name| **name == "run_item").count(), 2, "{names:?}");
}

pub async fn the_log_is_told_once(stores: &Stores) {
    let store = &*stores.one;
    let run = created(store).await;
    claim(store, LONG).await.unwrap();
    for (number, line) in [(1, "one"), (3, "three"), (2, "two, late"), (3, "three")] {
        write(store, &part(run.id, 1, lines(number, line))).await;
    }

    let events = events(store, run.id).await;
    let told = events.iter().filter_map(|event| match event {
        RunEvent::RunLog(log) => log.line.as_deref(),
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), ["one", "three"]);
}

pub async fn what_an_earlier_claim_sent_does_not_count(stores: &Stores) {
    let store = &*stores.one;
    let run = created(store).await;
    claim(store, LONG).await.unwrap();
    write(store, &part(run.id, 1, samples(2, 0, vec![answered(0)]))).await;
    store.release_evaluation(run.id, 1).await.unwrap();
    claim(&*stores.other, LONG).await.unwrap();

    let late = write(store, &part(run.id, 1, samples(2, 1, vec![answered(1)]))).await;
    let failed = EvaluationPart::Failed { reason: "late".into() };
    let late_end = write(store, &part(run.id, 1, failed)).await;

    assert_eq!((late, late_end), (ignored(), ignored()));
    assert_eq!(all_results(store, run.id).await, []);
    let row = store.run(run.id).await.unwrap();
    assert_eq!((row.status, row.total, row.stats.settled()), (RunStatus::Running, 0, 0));
    assert_eq!(store.dataset(row.submission.dataset_id).await.unwrap().item_count, 1);
    let now = write(store, &part(run.id, 2, samples(1, 0, vec![answered(7)]))).await;
    assert_eq!(now.results, 1);
}

pub async fn a_failure_ends_the_run_with_its_reason(stores: &Stores) {
    let store = &*stores.one;
    let run = created(store).await;
    claim(store, LONG).await.unwrap();
    let reason = "none of the 2 samples has an answer, so there is no score: Connection error.";
    write(store, &part(run.id, 1, EvaluationPart::Failed { reason: reason.into() })).await;

    let row = store.run(run.id).await.unwrap();
    assert_eq!((row.status, row.finished_at), (RunStatus::Failed, Some(at(2))));
    assert_eq!((row.lighteval.unwrap().reason.as_deref(), row.stats.scores.count()), (Some(reason), 0));
    assert!(!store.renew_evaluation(run.id, 1, LONG, at(1)).await.unwrap());
}

pub async fn a_canceled_run_is_taken_from_its_executor(stores: &Stores) {
    let store = &*stores.one;
    let (run, unclaimed) = (created(store).await, created(store).await);
    claim(store, LONG).await.unwrap();
    for id in [run.id, unclaimed.id] {
        let canceled = stores.other.transition(id, Transition::Cancel, at(2)).await.unwrap();
        assert_eq!(canceled.status, RunStatus::Canceled);
    }

    assert!(!store.renew_evaluation(run.id, 1, LONG, at(2)).await.unwrap());
    assert_eq!(claim(store, LONG).await, None);
    assert_eq!(write(store, &part(run.id, 1, samples(1, 0, vec![answered(0)]))).await, ignored());
}

pub async fn a_run_of_lighteval_neither_pauses_nor_tries_again(stores: &Stores) {
    let store = &*stores.one;
    let run = created(store).await;
    claim(store, LONG).await.unwrap();
    assert_conflict(store.transition(run.id, Transition::Pause { reason: "x".into() }, at(2)).await);
    write(store, &part(run.id, 1, samples(2, 0, vec![answered(0), unanswered(1)]))).await;
    let end = EvaluationPart::Completed { outcome: outcome(), version_hash: "898f".into() };
    write(store, &part(run.id, 1, end)).await;

    for refused in [Transition::RetryFailed { kinds: [].into() }, Transition::Extend { samples: 2 }] {
        assert_conflict(store.transition(run.id, refused, at(3)).await);
    }
}

pub async fn a_run_that_has_ended_leaves_no_token_and_takes_its_evaluation_with_it(stores: &Stores) {
    let store = &*stores.one;
    let rows = [new_row(store).await, new_row(store).await];
    let evaluations = rows.each_ref().map(evaluation);
    for (row, evaluation) in rows.iter().zip(&evaluations) {
        store.create_evaluation(row, evaluation).await.unwrap();
    }
    let [ended, goes_on] = rows;
    store.transition(ended.id, Transition::Cancel, at(2)).await.unwrap();

    stores.other.forget_evaluations().await.unwrap();

    let [gone, kept] = evaluations.map(|it| it.token);
    assert_not_found(store.token(gone.id).await, "token");
    assert_eq!(store.token(kept.id).await.unwrap(), kept);
    assert_eq!(claim(store, LONG).await.unwrap().run_id, goes_on.id);
    store.transition(goes_on.id, Transition::Cancel, at(3)).await.unwrap();
    store.remove_run(goes_on.id).await.unwrap();
    assert_not_found(store.token(kept.id).await, "token");
}

pub async fn samples_that_cannot_be_are_refused(stores: &Stores) {
    let store = &*stores.one;
    let run = created(store).await;
    claim(store, LONG).await.unwrap();
    let beyond = [samples(1, 1, vec![answered(1)]), samples(u32::MAX, 0, vec![answered(0)])];
    for beyond in beyond {
        let refused = store.write_evaluation(&part(run.id, 1, beyond), at(2)).await;
        assert!(matches!(refused, Err(StoreError::NoSuchJob(_))), "{refused:?}");
    }
    let nobody = part(RunId::from_uuid(Uuid::now_v7()), 1, lines(1, "x"));
    assert_eq!(write(store, &nobody).await, Written { orphaned: 1, ..Written::default() });
}
