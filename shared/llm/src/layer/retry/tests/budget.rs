use runmill_proto::RunId;
use runmill_quota::budget::{BudgetKey, BudgetOwner, BudgetUnit, Draw, Purses, UsedUp};
use uuid::Uuid;

use super::*;
use crate::CallBudgets;

const KEY: BudgetKey =
    BudgetKey { owner: BudgetOwner::Run(RunId::from_uuid(Uuid::nil())), unit: BudgetUnit::Calls };

/// A call of a run with a budget of calls.
struct Budgeted {
    limit: u64,
    purses: Arc<Purses>,
}

impl PolicySource for Budgeted {
    fn policy(&self) -> CallPolicy {
        policy()
    }

    fn budgets(&self) -> Option<&dyn CallBudgets> {
        Some(self)
    }
}

impl CallBudgets for Budgeted {
    fn purses(&self) -> &Arc<Purses> {
        &self.purses
    }

    fn draws(&self, _tokens: u64) -> Vec<Draw> {
        vec![Draw { key: KEY, limit: self.limit, used_before: 0, estimate: Some(1) }]
    }

    fn used_up(&self, _budget: &UsedUp) -> ModelError {
        used_up()
    }
}

fn used_up() -> ModelError {
    ModelError::BudgetUsedUp { message: "nothing is left".into(), after: None }
}

/// Makes a call of which the first attempts fail, with a store that grants slices every second.
async fn invoke(limit: u64, errors: impl IntoIterator<Item = ModelError>) -> Invoked {
    let call = Budgeted { limit, purses: Arc::default() };
    let (client, request, interrupts) = (retry(Scripted::failing(errors)), request(), Interrupts::default());
    let mut taken = 0;
    let store = async {
        loop {
            sleep(secs(1)).await;
            let asks = call.purses.begin_exchange(1, false);
            let answers: Vec<_> = asks
                .iter()
                .map(|ask| {
                    let granted = ask.wanted().min(limit - taken);
                    taken += granted;
                    (granted, taken)
                })
                .collect();
            call.purses.end_exchange(&asks, answers);
        }
    };
    tokio::select! {
        invoked = client.invoke(&request, &call, &interrupts, None) => invoked,
        () = store => unreachable!("it never ends"),
    }
}

#[tokio::test(start_paused = true)]
async fn each_attempt_that_reaches_the_provider_draws_on_the_budget() {
    let invoked = invoke(1, [broken()]).await;

    let want = Unanswered::LaneStopped { after: secs(300), error: used_up() };
    assert_eq!((invoked.attempts.len(), invoked.result), (1, Err(want)));
    assert_eq!(invoke(2, [broken()]).await.result, Ok(four()));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_does_not_reach_the_provider_uses_nothing() {
    let gone = ModelError::Unreachable { message: "nobody listens".into() };
    assert_eq!(invoke(1, [gone]).await.result, Ok(four()));
}
