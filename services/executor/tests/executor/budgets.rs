use runmill_proto::{
    Outcome, PauseCause,
    api::{Budget, RateLimit},
    message::Deferred,
};
use runmill_store::Budgets;
use serde_json::json;

use crate::{
    watched::Seen,
    world::{Setup, World},
};

/// Tokens of a call, as the model tells them.
const TOKENS: u64 = 4;

/// Lets the executor do job `ordinal`, which the model answers.
async fn answered(world: &mut World, ordinal: u32) {
    world.model.answer(1);
    let job = world.publish(ordinal).await;
    assert_eq!(world.next().await, Seen::Taken(job));
    assert_eq!(world.next_invocation().await.outcome, Outcome::Succeeded);
    assert_eq!(world.next().await, Seen::Acked(job));
    world.model.is_asked().await;
}

/// Lets the executor take job `ordinal`, which it defers without a call.
async fn deferred(world: &mut World, ordinal: u32) -> Deferred {
    let job = world.publish(ordinal).await;
    assert_eq!(world.next().await, Seen::Taken(job));
    let Seen::Published(log) = world.next().await else { panic!("no log") };
    assert_eq!(world.next().await, Seen::Acked(job));
    let deferred: Deferred = log.decode().unwrap();
    assert!(deferred.call.attempts.is_empty());
    deferred
}

#[tokio::test]
async fn a_run_whose_budget_is_used_up_is_paused_with_the_reason_and_its_job_is_not_called() {
    let mut world = World::with(Setup { budget: Some(json!({"calls": 2})), ..Setup::default() }).await;
    world.start();
    answered(&mut world, 0).await;
    answered(&mut world, 1).await;

    let deferred = deferred(&mut world, 2).await;

    assert_eq!((deferred.pause, deferred.pause_cause), (true, Some(PauseCause::Budget)));
    let want = "the run's budget of 2 calls is used up: raise budget.calls of the run, and it goes on";
    assert_eq!(deferred.reason, want);
}

#[tokio::test]
async fn a_run_whose_tokens_budget_is_used_up_is_paused_with_the_reason_and_looks_again() {
    let token_budget = Some(Budget { calls: Some(1), ..Budget::default() });
    let stops = json!({"calls": 9, "when_used_up": "stop"});
    let mut world = World::with(Setup { token_budget, budget: Some(stops), ..Setup::default() }).await;
    world.start();
    answered(&mut world, 0).await;

    let deferred = deferred(&mut world, 1).await;

    assert_eq!((deferred.pause, deferred.pause_cause), (true, Some(PauseCause::DayBudget)));
    let want =
        "the budget of 1 calls of the token `ci`, which submitted the run, is used up: raise budget.calls";
    assert!(deferred.reason.starts_with(want), "{}", deferred.reason);
}

#[tokio::test]
async fn a_run_that_asks_to_stop_ends_its_jobs_without_a_call() {
    let budget = json!({"tokens": 2 * TOKENS - 1, "when_used_up": "stop"});
    let mut world = World::with(Setup { budget: Some(budget), ..Setup::default() }).await;
    world.start();
    answered(&mut world, 0).await;
    // The rest is less than a call uses, so one more goes alone.
    answered(&mut world, 1).await;

    let job = world.publish(2).await;
    assert_eq!(world.next().await, Seen::Taken(job));
    let log = world.next_invocation().await;

    assert_eq!((log.outcome, log.call.attempts.len()), (Outcome::BudgetStopped, 0));
    assert!(log.error.unwrap().starts_with("the run's budget of 7 tokens is used up"));
}

#[tokio::test]
async fn a_run_with_a_budget_of_money_stops_after_a_call_whose_cost_nobody_knows() {
    let mut world = World::with(Setup { budget: Some(json!({"cost_usd": 5})), ..Setup::default() }).await;
    world.start();
    answered(&mut world, 0).await;

    let deferred = deferred(&mut world, 1).await;

    assert_eq!(deferred.pause_cause, Some(PauseCause::Budget));
    let want =
        "the run's budget of 5.00 USD cannot be kept, because the cost of a call of `slow` is not known";
    assert!(deferred.reason.starts_with(want), "{}", deferred.reason);
}

#[tokio::test]
async fn a_provider_whose_day_is_used_up_pauses_the_run_until_the_day_ends() {
    let rate_limit = RateLimit {
        tokens_per_day: Some(TOKENS),
        time_zone: Some("Europe/Berlin".into()),
        ..RateLimit::default()
    };
    let mut world = World::with(Setup { rate_limit, ..Setup::default() }).await;
    world.start();
    answered(&mut world, 0).await;

    let deferred = deferred(&mut world, 1).await;

    assert_eq!((deferred.pause, deferred.pause_cause), (true, Some(PauseCause::DayBudget)));
    assert!(deferred.reason.starts_with("provider ours has used up its 4 tokens of "), "{}", deferred.reason);
    assert!(deferred.reason.contains("(Europe/Berlin)"), "{}", deferred.reason);
}

#[tokio::test]
async fn an_executor_that_leaves_gives_back_what_its_calls_did_not_use() {
    let mut world = World::with(Setup { budget: Some(json!({"calls": 100})), ..Setup::default() }).await;
    world.start();
    answered(&mut world, 0).await;
    let (store, run_id) = (world.store.clone(), world.run_id);

    world.life.stop.cancel();
    world.end().await;

    let slice = runmill_store::Slice {
        key: format!("{run_id}/calls"),
        limit: 100,
        used_before: 0,
        spent: 0,
        wanted: 100,
    };
    let taken = store.take(&[slice], jiff::Timestamp::UNIX_EPOCH).await.unwrap();
    assert_eq!(taken[0].granted, 99);
}
