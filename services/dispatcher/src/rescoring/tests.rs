use runmill_proto::{
    InvocationId, Item, Outcome, RunId, Scorer, Scoring,
    message::{Invocation, JobKey},
    testing,
};
use runmill_store::{LogBatch, LogEntry, LogWriter as _, RunReader as _, RunWriter as _};
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::world::{self, World};

/// Makes a world with a run that has ended with these answers. None of them is scored.
async fn answered(answers: &[&str]) -> (World, RunId) {
    let world = World::new().await;
    let run_id = answer(&world, answers, json!({})).await;
    (world, run_id)
}

/// Makes a run that has ended with these answers.
async fn answer(world: &World, answers: &[&str], config: Value) -> RunId {
    let run_id = world.run(1, answers.len(), config).await;
    let answer = |(ordinal, text): (u32, &&str)| {
        let call = testing::call(InvocationId::from_uuid(Uuid::now_v7()));
        let key = JobKey { run_id, ordinal, sample: 0 };
        let answered = testing::invocation(key, call, Outcome::Succeeded);
        LogEntry::Invocation(Box::new(Invocation { response: Some((*text).to_owned()), ..answered }))
    };
    let entries = (0..).zip(answers).map(answer).collect();
    world.store.write_logs(&LogBatch(entries), world.clock.now()).await.unwrap();
    run_id
}

fn rescorer(world: &World) -> Rescorer {
    world.feeder.rescorer.clone()
}

#[tokio::test]
async fn stored_answers_get_the_scores_of_another_scorer() {
    let (world, id) = answered(&["4", "it is 4 of course", "5"]).await;
    let run = world.store.run(id).await.unwrap();
    assert!(run.status.is_terminal() && run.score().mean.is_none(), "{run:?}");
    for (version, scorer, want) in [(1, Scorer::Includes, 2.0 / 3.0), (2, Scorer::Exact, 1.0 / 3.0)] {
        let scoring = Some(Scoring::from(scorer));
        world.store.transition(id, Transition::Rescore { scoring }, world.clock.now()).await.unwrap();

        rescorer(&world).pass().await.unwrap();

        let run = world.store.run(id).await.unwrap();
        assert_eq!((run.shown().unwrap().version, run.rescoring.as_ref()), (version, None));
        assert!(run.score().mean.is_some_and(|mean| (mean - want).abs() < 1e-9), "{:?}", run.score());
    }
}

#[tokio::test]
async fn the_further_scorers_of_a_run_have_their_versions_after_one_pass() {
    let world = World::new().await;
    let scorers = json!({"scorers": [{"scorer": "exact"}, {"scorer": "includes"}, {"scorer": "f1"}]});
    let id = answer(&world, &["4", "it is 4 of course"], scorers).await;

    rescorer(&world).pass().await.unwrap();

    let run = world.store.run(id).await.unwrap();
    assert_eq!((run.rescoring.clone(), run.shown()), (None, None));
    let means: Vec<_> =
        run.rescores.as_ref().unwrap().versions.iter().map(|one| run.summary(&one.scores).mean).collect();
    assert_eq!(means[0], Some(1.0));
    assert!(means[1].is_some_and(|f1| f1 > 0.5 && f1 < 1.0), "{means:?}");
}

#[tokio::test]
async fn an_interrupted_rescoring_goes_on_where_it_was_noted() {
    let (world, id) = answered(&["4"; 5]).await;
    let asked = Transition::Rescore { scoring: None };
    let mut rescoring =
        world.store.transition(id, asked, world.clock.now()).await.unwrap().rescoring.unwrap();
    // Another leader has counted three answers, all of them as wrong.
    let wrong = runmill_scoring::score(&Item::from_json(&world::item(0).body).unwrap(), None, "5");
    for ordinal in 0..3 {
        rescoring.add((ordinal, 0), wrong.as_ref(), false);
    }
    let note = Transition::NoteRescoring { rescoring: Box::new(rescoring), from: None, is_done: false };
    world.store.transition(id, note, world.clock.now()).await.unwrap();

    rescorer(&world).pass().await.unwrap();

    let score = world.store.run(id).await.unwrap().score();
    assert_eq!((score.mean, score.scored), (Some(0.4), 5));
}
