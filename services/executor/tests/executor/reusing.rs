use jiff::Timestamp;
use runmill_broker::Envelope;
use runmill_proto::{
    Outcome, RunId, Scorer, Scoring,
    message::{Invocation, Job, ReusedAnswer},
};
use serde_json::json;
use uuid::Uuid;

use crate::{
    watched::Seen,
    world::{Setup, World},
};

const EARLIER: RunId = RunId::from_uuid(Uuid::from_u128(5));

/// Lets the executor take a job with the answer of an earlier run.
async fn reused(world: &mut World, response: &str, outcome: Outcome) -> Invocation {
    let answer = ReusedAnswer {
        run_id: EARLIER,
        outcome,
        response: response.to_owned(),
        reasoning: Some("two and two".to_owned()),
        tool_calls: Vec::new(),
        logprobs: None,
    };
    // No call starts after a deadline, and this job has none.
    let deadline = Some(Timestamp::UNIX_EPOCH);
    let mut job = Job { reused: Some(Box::new(answer)), deadline, ..world.job(1) };
    job.config.scoring = Some(Scoring::from(Scorer::Includes));
    let job = world.publish_as(Envelope::new(&job)).await;
    assert_eq!(world.next().await, Seen::Taken(job));
    let log = world.next_invocation().await;
    assert_eq!(world.next().await, Seen::Acked(job));
    log
}

#[tokio::test]
async fn an_answer_of_an_earlier_run_is_scored_and_recorded_without_a_call() {
    let mut world = World::new().await;
    world.start();

    let log = reused(&mut world, "it is 4", Outcome::Truncated).await;

    assert_eq!((log.outcome, log.response.as_deref()), (Outcome::Truncated, Some("it is 4")));
    assert_eq!((log.reasoning.as_deref(), log.reused_from), (Some("two and two"), Some(EARLIER)));
    let score = log.score.unwrap();
    assert_eq!((score.scorer.as_str(), score.value), ("includes", Some(1.0)), "the run's own scorer");
    assert_eq!((log.call.attempts.len(), log.call.usage, log.call.cost_nanousd), (0, None, Some(0)));
    assert!(!world.model.was_asked());
}

#[tokio::test]
async fn it_needs_no_budget() {
    let mut world = World::with(Setup { budget: Some(json!({"calls": 1})), ..Setup::default() }).await;
    world.start();
    world.model.answer(1);
    let job = world.publish(0).await;
    assert_eq!(world.next().await, Seen::Taken(job));
    assert_eq!(world.next_invocation().await.outcome, Outcome::Succeeded);
    assert_eq!(world.next().await, Seen::Acked(job));
    world.model.is_asked().await;

    let log = reused(&mut world, "4", Outcome::Succeeded).await;

    assert_eq!(log.outcome, Outcome::Succeeded);
    assert!(!world.model.was_asked());
}
