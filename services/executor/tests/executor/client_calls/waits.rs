//! Calls that wait, and what they are charged to.

use axum::http::StatusCode;
use runmill_proto::{ErrorKind, RunId, RunStatus, message::ClientCall};
use runmill_runtime::Clock;
use runmill_store::{RunWriter, Transition, testing::run_of};
use serde_json::json;
use uuid::Uuid;

use super::{Client, call, recorded};
use crate::{
    watched::Seen,
    world::{JOBS, Setup, World},
};

/// Creates a run that has ended.
pub async fn ended_run(world: &World) -> RunId {
    let jobs = world.store_run().await;
    let id = RunId::from_uuid(Uuid::now_v7());
    let mut run = run_of(id, world.provider_id, jobs.submission.dataset_id, u64::from(JOBS));
    (run.status, run.finished_at) = (RunStatus::Completed, Some(run.created_at));
    world.store.create_run(&run).await.unwrap();
    id
}

#[tokio::test]
async fn a_call_waits_for_its_lane() {
    let mut world = World::new().await;
    world.start();
    // The lane allows one call at a time.
    let mut first = Client::new(&world, call(&world, "slow")).await;
    first.is_taken().await;
    world.model.is_asked().await;
    let mut second = Client::new(&world, call(&world, "slow")).await;
    second.is_taken().await;
    assert!(!world.model.was_asked());

    world.model.answer(2);

    assert_eq!(first.answer().await.text, "4");
    assert_eq!(second.answer().await.text, "4");
    world.model.is_asked().await;
}

#[tokio::test]
async fn a_call_that_no_waiting_makes_possible_fails_at_once() {
    let world = World::new().await;
    world.start();
    world.model.refuse(StatusCode::UNAUTHORIZED);
    let mut client = Client::new(&world, call(&world, "slow")).await;
    client.is_taken().await;

    let failure = client.failure().await;

    assert_eq!((failure.kind, failure.status), (ErrorKind::Authentication, Some(401)));
    assert!(failure.message.contains("not today"), "{}", failure.message);
}

#[tokio::test]
async fn a_call_draws_on_the_budget_of_its_run() {
    let mut world = World::with(Setup { budget: Some(json!({"calls": 1})), ..Setup::default() }).await;
    world.start();
    world.model.answer(2);
    let mut first = Client::new(&world, call(&world, "slow")).await;
    first.is_taken().await;
    first.answer().await;
    world.model.is_asked().await;

    let mut second = Client::new(&world, call(&world, "slow")).await;
    second.is_taken().await;

    assert_eq!(second.failure().await.kind, ErrorKind::BudgetUsedUp);
    assert!(!world.model.was_asked());
}

#[tokio::test]
async fn a_call_is_charged_to_a_run_that_is_not_fed() {
    let mut world = World::new().await;
    let id = ended_run(&world).await;
    world.start();
    world.model.answer(1);

    let mut client = Client::new(&world, ClientCall { run_id: id, ..call(&world, "slow") }).await;
    client.is_taken().await;

    assert_eq!(client.answer().await.text, "4");
    world.model.is_asked().await;
    assert_eq!(world.next().await, Seen::Taken(client.id));
    assert_eq!(recorded(&mut world, client.id).await.run_id, id);
}

#[tokio::test]
async fn a_call_to_a_paused_run_is_held_until_it_resumes() {
    let mut world = World::new().await;
    let pause = Transition::Pause { reason: "lunch".into() };
    world.store.transition(world.run_id, pause, Clock::system().now()).await.unwrap();
    world.start();
    let mut client = Client::new(&world, call(&world, "slow")).await;
    client.is_taken().await;
    // It does not even have the lane's only slot.
    let other = ClientCall { run_id: ended_run(&world).await, ..call(&world, "slow") };
    let mut other = Client::new(&world, other).await;
    other.is_taken().await;
    world.model.answer(1);
    assert_eq!(other.answer().await.text, "4");
    world.model.is_asked().await;
    assert!(!world.model.was_asked());

    world.store.transition(world.run_id, Transition::Resume, Clock::system().now()).await.unwrap();
    world.model.answer(1);

    assert_eq!(client.answer().await.text, "4");
    world.model.is_asked().await;
}
