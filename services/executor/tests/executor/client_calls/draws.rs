//! Budgets on which calls draw.

use runmill_proto::{ErrorKind, TokenId, api::Budget, message::ClientCall};
use runmill_store::Tokens;
use serde_json::json;
use uuid::Uuid;

use super::{Client, call, waits::ended_run};
use crate::world::{Setup, World};

#[tokio::test]
async fn a_call_draws_on_the_budget_of_its_own_token_whatever_run_it_names() {
    let token_budget = Some(Budget { calls: Some(1), ..Budget::default() });
    let mut world = World::with(Setup { token_budget, ..Setup::default() }).await;
    let poor = world.store_run().await.submission.token_id;
    let other_run = ended_run(&world).await;
    world.start();
    world.model.answer(4);
    let asks = |run_id, token_id| ClientCall { run_id, token_id, ..call(&world, "slow") };
    // Other tokens may name the run of a token that has used up its budget.
    let other = Some(TokenId::from_uuid(Uuid::from_u128(7)));
    let answered = [
        asks(other_run, poor),
        asks(world.run_id, other),
        asks(world.run_id, other),
        asks(world.run_id, None),
    ];
    let refused = [asks(other_run, poor), asks(world.run_id, poor)];
    for call in answered {
        let mut client = Client::new(&world, call).await;
        client.is_taken().await;
        assert_eq!(client.answer().await.text, "4");
        world.model.is_asked().await;
    }

    for call in refused {
        let mut client = Client::new(&world, call).await;
        client.is_taken().await;
        let failure = client.failure().await;

        assert_eq!(failure.kind, ErrorKind::BudgetUsedUp);
        let want = "the budget of 1 calls of the token `ci` is used up: raise budget.calls of the token";
        assert_eq!(failure.message, want);
    }
    assert!(!world.model.was_asked());
}

#[tokio::test]
async fn a_call_draws_on_the_budget_of_the_run_that_it_names_and_a_raised_one_of_its_token_helps_at_once() {
    let token_budget = Some(Budget { calls: Some(1), ..Budget::default() });
    let budget = Some(json!({"calls": 2}));
    let mut world = World::with(Setup { budget, token_budget, ..Setup::default() }).await;
    let token_id = world.store_run().await.submission.token_id;
    world.start();
    world.model.answer(2);
    let asks = |token_id| ClientCall { token_id, ..call(&world, "slow") };
    let calls = [asks(token_id), asks(token_id), asks(None)];
    let [first, second, third] = calls;
    let mut client = Client::new(&world, first).await;
    client.is_taken().await;
    client.answer().await;
    world.model.is_asked().await;

    let raised = Some(Budget { calls: Some(9), ..Budget::default() });
    world.store.set_token_budget(token_id.unwrap(), raised).await.unwrap();
    let mut client = Client::new(&world, second).await;
    client.is_taken().await;
    client.answer().await;
    world.model.is_asked().await;

    let mut client = Client::new(&world, third).await;
    client.is_taken().await;
    let failure = client.failure().await;
    assert_eq!(failure.kind, ErrorKind::BudgetUsedUp);
    assert!(failure.message.starts_with("the run's budget of 2 calls is used up"), "{}", failure.message);
}
