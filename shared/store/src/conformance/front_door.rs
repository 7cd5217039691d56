use std::{collections::BTreeSet, sync::Arc};

use runmill_proto::{
    Outcome, RunId, RunKind, RunStatus, Tenant, TokenId,
    message::{ClientNote, Invocation},
};
use uuid::Uuid;

use super::{
    Stores,
    world::{
        all_results, answered, assert_conflict, assert_not_found, at, batch, create, event_names, failed,
        fed_run, new_run, provider,
    },
};
use crate::{
    CreatedRun, RunRow, Store, StoreError, TokenKey, Transition, UsageKey, Written, interactive_dataset_id,
    testing::run_of,
};

const DAY: (&str, &str) = ("2025-10-09", "2025-10-09");

fn token(n: u128) -> TokenId {
    TokenId::from_uuid(Uuid::from_u128(n))
}

/// Returns a run of clients' calls that was not created yet.
async fn new_interactive(store: &dyn Store) -> RunRow {
    let provider = provider(&format!("provider {}", Uuid::now_v7()));
    store.create_provider(&provider).await.unwrap();
    let dataset = interactive_dataset_id(&Tenant::default());
    let mut row = run_of(RunId::from_uuid(Uuid::now_v7()), provider.id, dataset, 0);
    row.created_at = at(0);
    row.submission.kind = RunKind::Interactive;
    row.submission.token_id = Some(token(1));
    (row.status, row.started_at) = (RunStatus::Running, Some(at(0)));
    row
}

async fn interactive(store: &dyn Store) -> RunRow {
    let row = new_interactive(store).await;
    create(store, &row).await
}

/// Returns the call of a client, as the executor records it.
fn of_client(run: &RunRow, ignored: &[&str]) -> Invocation {
    let ignored = ignored.iter().map(|&name| name.to_owned()).collect();
    Invocation {
        client: Some(ClientNote { token_id: run.submission.token_id, ignored }),
        // No run has this job.
        ..answered(run, 4_000_000_000)
    }
}

pub async fn a_clients_call_is_charged_to_its_run_and_is_no_result(stores: &Stores) {
    let store = &*stores.one;
    for run in [interactive(store).await, fed_run(store, 2).await] {
        let call = of_client(&run, &["seed", "user"]);

        let written = store.write_logs(&batch([call.clone()]), at(2)).await.unwrap();
        let again = stores.other.write_logs(&batch([call.clone(), call.clone()]), at(3)).await.unwrap();

        assert_eq!(written, Written::default());
        assert_eq!(again, Written { redelivered: 2, ..Written::default() });
        assert_eq!(all_results(store, run.id).await, []);
        let invocations = stores.other.invocations(run.id, None, 10).await.unwrap();
        let [found] = invocations.as_slice() else { panic!("{invocations:?}") };
        assert_eq!(
            (found.id, &found.client, found.outcome),
            (call.call.id, &call.client, Some(Outcome::Succeeded))
        );
        let row = store.run(run.id).await.unwrap();
        assert_eq!((row.stats.settled(), row.stats.duplicates, row.stats.scores.count()), (0, 0, 0));
        assert_eq!((row.stats.calls, row.stats.cost_nanousd), (1, Some(1_500)));
        assert_eq!(
            (row.stats.usage.prompt_tokens, row.stats.latencies.percentile_ms(0.5).is_some()),
            (10, true)
        );
        assert_eq!(row.status, RunStatus::Running);
        let events = event_names(store, run.id).await;
        assert_eq!(events[events.len() - 2..], ["run_log", "run_progress"]);
    }
    let orphan = of_client(&new_interactive(store).await, &[]);
    let written = store.write_logs(&batch([orphan]), at(2)).await.unwrap();
    assert_eq!(written, Written { orphaned: 1, ..Written::default() });
}

pub async fn an_interactive_run_lasts_until_its_day_is_over(stores: &Stores) {
    let store = &*stores.one;
    let run = interactive(store).await;
    store.write_logs(&batch([of_client(&run, &[])]), at(2)).await.unwrap();
    assert_eq!(store.run(run.id).await.unwrap().status, RunStatus::Running);
    assert_conflict(store.transition(run.id, Transition::Extend { samples: 2 }, at(3)).await);

    let ended = store.transition(run.id, Transition::EndDay, at(9)).await.unwrap();

    assert_eq!((ended.status, ended.finished_at), (RunStatus::Completed, Some(at(9))));
    assert_eq!(event_names(store, run.id).await.last(), Some(&"run_status"));
    assert_conflict(store.transition(run.id, Transition::EndDay, at(10)).await);
    let retry = Transition::RetryFailed { kinds: BTreeSet::new() };
    assert_conflict(store.transition(run.id, retry, at(10)).await);
    let evaluation = fed_run(store, 1).await;
    assert_conflict(store.transition(evaluation.id, Transition::EndDay, at(10)).await);

    // The record of a call may come after the end.
    store.write_logs(&batch([of_client(&run, &[])]), at(11)).await.unwrap();
    let row = store.run(run.id).await.unwrap();
    assert_eq!((row.stats.calls, row.status, row.finished_at), (2, RunStatus::Completed, Some(at(9))));
}

pub async fn an_interactive_run_is_made_once_with_a_dataset_of_its_own(stores: &Stores) {
    let store = &*stores.one;
    let mut row = new_interactive(store).await;
    row.submission.idempotency_key = Some("\u{1f}the day".into());
    let first = create(store, &row).await;
    let again = RunRow { id: RunId::from_uuid(Uuid::now_v7()), ..row.clone() };

    let found = stores.other.create_run(&again).await.unwrap();

    assert!(matches!(found, CreatedRun::Existing(run) if run.id == first.id));
    assert_eq!(
        (first.submission.kind, first.total, first.status),
        (RunKind::Interactive, 0, RunStatus::Running)
    );
    let dataset = store.dataset(row.submission.dataset_id).await.unwrap();
    assert_eq!((dataset.item_count, dataset.tenant), (1, Tenant::default()));
    assert_eq!(store.items(dataset.id, 0, 10).await.unwrap().len(), 1);
    assert_eq!(store.active_runs().await.unwrap(), [], "it has no jobs to feed");
    assert_eq!(store.interactive_runs().await.unwrap(), std::slice::from_ref(&first));
    let charged = store.charged_run(first.id).await.unwrap();
    assert_eq!((charged.run, charged.items, charged.token_budget), (first.clone(), 1, None));
    assert_not_found(store.charged_run(again.id).await, "run");
    store.delete_provider(first.submission.provider_id).await.unwrap();
    let other: Tenant = "other".parse().unwrap();
    assert_ne!(interactive_dataset_id(&other), row.submission.dataset_id);
    // An evaluation needs a dataset that was uploaded.
    let mut evaluation = new_run(store, 1).await;
    evaluation.submission.dataset_id = interactive_dataset_id(&other);
    assert_not_found(store.create_run(&evaluation).await, "dataset");
}

pub async fn a_canceled_interactive_run_ends_at_once(stores: &Stores) {
    let store = &*stores.one;
    let run = interactive(store).await;

    let canceled = store.transition(run.id, Transition::Cancel, at(3)).await.unwrap();

    assert_eq!((canceled.status, canceled.finished_at), (RunStatus::Canceled, Some(at(3))));
}

pub async fn a_removed_interactive_run_takes_its_calls_with_it(stores: &Stores) {
    let store = &*stores.one;
    let run = interactive(store).await;
    store.write_logs(&batch([of_client(&run, &[])]), at(2)).await.unwrap();
    assert_conflict(store.remove_dataset(run.submission.dataset_id).await);
    store.transition(run.id, Transition::EndDay, at(3)).await.unwrap();
    let ended = store.ended_runs(None, at(4), None, 10).await.unwrap();
    assert_eq!(ended.iter().map(|run| run.id).collect::<Vec<_>>(), [run.id]);

    store.remove_run(run.id).await.unwrap();
    while store.sweep(100).await.unwrap() {}

    assert_eq!(store.invocations(run.id, None, 10).await.unwrap(), []);
    store.remove_dataset(run.submission.dataset_id).await.unwrap();
    assert_eq!(store.usage(None, DAY, None, 10).await.unwrap().len(), 1, "what was used stays");
    let next = interactive(store).await;
    assert_eq!(store.dataset(next.submission.dataset_id).await.unwrap().item_count, 1, "it is made again");
}

pub async fn use_is_summed_by_day_tenant_token_provider_and_model(stores: &Stores) {
    let store = &*stores.one;
    let mut row = new_run(store, 9).await;
    row.submission.token_id = Some(token(7));
    let run = create(store, &row).await;
    store.mark_fed(run.id, 9, &[], at(1)).await.unwrap();
    let mut by_hand = of_client(&run, &[]);
    by_hand.client = Some(ClientNote::default());
    let mut tomorrow = answered(&run, 1);
    tomorrow.call.started_at = at(24 * 3600);
    let mut untried = answered(&run, 2);
    untried.call.attempts.clear();
    let mut huge = answered(&run, 3);
    (huge.call.cost_nanousd, huge.call.model) = (Some(i64::MAX), "huge".into());
    let mut huge_again = huge.clone();
    huge_again.call.id = answered(&run, 4).call.id;
    let first = [answered(&run, 0), failed(&run, 5), by_hand, tomorrow, untried, huge];

    store.write_logs(&batch(first), at(2)).await.unwrap();
    store.write_logs(&batch([answered(&run, 6), huge_again]), at(3)).await.unwrap();

    let days = ("2025-10-01", "2025-10-31");
    let sums = stores.other.usage(None, days, None, 10).await.unwrap();
    let found: Vec<_> = sums
        .iter()
        .map(|sum| {
            assert_eq!(sum.provider_id, run.submission.provider_id);
            (
                sum.day.as_str(),
                sum.token_id.0,
                sum.model.as_str(),
                sum.calls,
                sum.prompt_tokens,
                sum.cost_nanousd,
            )
        })
        .collect();
    let model = "gpt-4o-mini";
    assert_eq!(
        found,
        [
            ("2025-10-09", None, model, 1, 10, 1_500),
            ("2025-10-09", Some(token(7)), model, 4, 30, 4_500),
            ("2025-10-09", Some(token(7)), "huge", 2, 20, i64::MAX.unsigned_abs()),
            ("2025-10-10", Some(token(7)), model, 1, 10, 1_500),
        ]
    );
    assert_eq!(store.usage(None, DAY, None, 10).await.unwrap().len(), 3);
    let other = "other".parse().unwrap();
    assert_eq!(store.usage(Some(&other), days, None, 10).await.unwrap(), []);
    assert_eq!(store.usage(Some(&Tenant::default()), days, None, 10).await.unwrap().len(), 4);
}

pub async fn use_is_paged_in_the_order_of_its_keys(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 6).await;
    let models = ["é", "b", "Z", "a/b", "B", "_"];
    let calls = (0..).zip(models).map(|(n, model)| {
        let mut answered = answered(&run, n);
        model.clone_into(&mut answered.call.model);
        answered
    });
    store.write_logs(&batch(calls), at(2)).await.unwrap();

    let (mut found, mut after): (Vec<UsageKey>, Option<UsageKey>) = (Vec::new(), None);
    loop {
        let page = store.usage(None, DAY, after.as_ref(), 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.key());
        found.extend(page.iter().map(crate::UsageSum::key));
    }

    let all: Vec<_> = found.iter().map(|key| key.model.as_str()).collect();
    assert_eq!(all, ["B", "Z", "_", "a/b", "b", "é"]);
    assert!(found.is_sorted() && found.iter().all(|key| key.token_id == TokenKey(None)));
}

pub async fn use_of_days_before_a_day_is_forgotten_day_by_day(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 3).await;
    let calls = (0..3).map(|n| {
        let mut answered = answered(&run, n);
        answered.call.started_at = at(i64::from(n) * 24 * 3600);
        answered
    });
    store.write_logs(&batch(calls), at(2)).await.unwrap();

    assert_eq!(stores.other.forget_usage("2025-10-11").await.unwrap(), 1);
    assert_eq!(store.usage(None, ("2025-10-01", "2025-10-31"), None, 9).await.unwrap().len(), 2);
    assert_eq!(store.forget_usage("2025-10-11").await.unwrap(), 1);
    assert_eq!(store.forget_usage("2025-10-11").await.unwrap(), 0);
    let left = store.usage(None, ("2025-10-01", "2025-10-31"), None, 9).await.unwrap();
    assert_eq!(left.iter().map(|sum| sum.day.as_str()).collect::<Vec<_>>(), ["2025-10-11"]);
}

pub async fn writers_of_one_day_do_not_lose_what_they_add(stores: &Stores) {
    const CALLS: u32 = 40;
    let store = &*stores.one;
    let run = Arc::new(interactive(store).await);
    let mut other = run.submission.clone();
    other.idempotency_key = None;
    let second = RunRow { id: RunId::from_uuid(Uuid::now_v7()), submission: other, ..(*run).clone() };
    let second = create(store, &second).await;
    let writes = (0..CALLS).map(|n| {
        let store = if n % 2 == 0 { stores.one.clone() } else { stores.other.clone() };
        let mut calls = [of_client(&run, &[]), of_client(&second, &[])];
        calls[0].call.model = "another".into();
        let calls = batch(calls);
        tokio::spawn(async move { store.write_logs(&calls, at(2)).await })
    });
    let writes: Vec<_> = writes.collect();
    for write in writes {
        let written: Result<Written, StoreError> = write.await.unwrap();
        assert_eq!(written.unwrap(), Written::default());
    }

    let sums = store.usage(None, DAY, None, 10).await.unwrap();
    let calls: Vec<_> = sums.iter().map(|sum| sum.calls).collect();
    assert_eq!(calls, [u64::from(CALLS), u64::from(CALLS)]);
}
