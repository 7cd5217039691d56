use futures::poll;
use runmill_proto::RunId;
use uuid::Uuid;

use super::*;

const KEY: BudgetKey =
    BudgetKey { owner: BudgetOwner::Run(RunId::from_uuid(Uuid::nil())), unit: BudgetUnit::Calls };

fn draw(unit: BudgetUnit, limit: u64) -> Draw {
    Draw { key: BudgetKey { unit, ..KEY }, limit, used_before: 0, estimate: Some(1) }
}

fn one_call() -> Vec<Draw> {
    vec![draw(BudgetUnit::Calls, 1)]
}

const CALLED: CallUse = CallUse { calls: 1, tokens: Some(9), nanousd: None, is_answered: true };

/// Answers an exchange with grants of this size.
fn grant(purses: &Purses, amount: u64) -> usize {
    let asks = purses.begin_exchange(1, false);
    purses.end_exchange(&asks, asks.iter().map(|_| (amount, amount)));
    asks.len()
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_its_slice_and_one_that_is_canceled_reserves_nothing() {
    let purses = Arc::new(Purses::default());
    let mut waiting = Box::pin(purses.reserve(one_call));
    assert!(poll!(&mut waiting).is_pending());
    purses.urgent.notified().await;
    drop(waiting);

    assert_eq!(grant(&purses, 1), 1);

    let reserved = purses.reserve(one_call).await.unwrap().unwrap();
    let mut second = Box::pin(purses.reserve(one_call));
    assert!(poll!(&mut second).is_pending());
    reserved.settle(CallUse::NOTHING);
    assert!(poll!(&mut second).is_ready(), "the first call used nothing");
}

#[tokio::test(start_paused = true)]
async fn a_call_draws_on_all_of_its_budgets_or_on_none() {
    let purses = Arc::new(Purses::default());
    let both = || vec![draw(BudgetUnit::Calls, 1), draw(BudgetUnit::Tokens, 100)];
    let mut waiting = Box::pin(purses.reserve(both));
    assert!(poll!(&mut waiting).is_pending());
    let asks = purses.begin_exchange(1, false);
    purses.end_exchange(&asks, asks.iter().map(|ask| (u64::from(ask.key.unit == BudgetUnit::Calls), 1)));
    assert!(poll!(&mut waiting).is_pending());
    drop(waiting);

    assert!(purses.reserve(one_call).await.unwrap().is_some(), "the call that waits has none");
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_costs_are_not_known_cannot_keep_a_budget_of_money() {
    let purses = Arc::new(Purses::default());
    let money = || vec![draw(BudgetUnit::Nanousd, 1_000)];
    let mut waiting = Box::pin(purses.reserve(money));
    assert!(poll!(&mut waiting).is_pending());
    drop(waiting);
    grant(&purses, 100);

    purses.reserve(money).await.unwrap().unwrap().settle(CALLED);

    assert!(purses.reserve(money).await.unwrap_err().is_unknown);
}

#[tokio::test]
async fn a_call_without_budgets_reserves_nothing() {
    assert!(Arc::new(Purses::default()).reserve(Vec::new).await.unwrap().is_none());
}
