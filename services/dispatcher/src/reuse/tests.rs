use jiff::Timestamp;
use runmill_proto::{
    InvocationId, Outcome,
    message::{Call, Deferred, Invocation, Job, JobKey},
    testing,
};
use runmill_store::{
    AnswerIndex as _, Feed as _, LogBatch, LogEntry, LogWriter as _, Retention as _, RunReader as _,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::world::World;

/// Configuration with a request of its own for each item.
fn config(mut more: Value) -> Value {
    more["prompt_template"] = json!("{{ id }}: {{ text }}");
    more
}

fn call() -> Call {
    testing::call(InvocationId::from_uuid(Uuid::now_v7()))
}

/// Records answers to all jobs of a run, which were never fed, in the number of its items.
async fn answer_all(world: &World, run: RunId) {
    let total = world.row(run).await.total;
    world.store.mark_fed(run, total, &[], world.clock.now()).await.unwrap();
    let answered = |ordinal| {
        let key = JobKey { run_id: run, ordinal, sample: 0 };
        let response = Some(format!("answer {ordinal}"));
        let answered = Invocation { response, ..testing::invocation(key, call(), Outcome::Succeeded) };
        LogEntry::Invocation(Box::new(answered))
    };
    let batch = LogBatch((0..u32::try_from(total).unwrap()).map(answered).collect());
    world.store.write_logs(&batch, world.clock.now()).await.unwrap();
    assert!(world.row(run).await.status.is_terminal());
}

/// Makes a world with an ended run of so many answers.
async fn answered(items: usize, config: Value) -> (World, RunId) {
    let world = World::new().await;
    let run = world.run(1, items, config).await;
    answer_all(&world, run).await;
    (world, run)
}

/// Indexes all that the run waits for. Returns the number of steps.
async fn index(world: &World, run: RunId) -> usize {
    let (answers, run) = (&world.feeder.answers, world.row(run).await);
    answers.are_ready(&run);
    let mut steps = 1;
    while !answers.step(&run).await.unwrap() {
        steps += 1;
    }
    answers.set_ready(&run);
    steps
}

/// Returns the ordinals of the jobs, each with the answer that it has and the run that was called for it.
fn reused(jobs: &[Job]) -> Vec<(u32, Option<(&str, RunId)>)> {
    let mut found = Vec::new();
    for job in jobs {
        found.push((job.ordinal, job.reused.as_ref().map(|answer| (&*answer.response, answer.run_id))));
    }
    found
}

#[tokio::test(start_paused = true)]
async fn a_run_waits_for_the_index_and_keeps_up_no_other() {
    let (mut world, earlier) = answered(3, config(json!({}))).await;
    let run = world.another_run(1, 7, 4, config(json!({"reuse": "exact"}))).await;
    world.feed().await;
    assert!(world.take(1).await.is_empty(), "nothing is indexed yet");
    world.another_run(1, 8, 1, json!({})).await;
    world.feed().await;
    let other = world.take(1).await;
    assert_eq!(other.len(), 1);
    assert_ne!(other[0].run_id, run);

    index(&world, run).await;
    world.feed().await;

    let jobs = world.take(1).await;
    let answer = |text| Some((text, earlier));
    let want = [(0, answer("answer 0")), (1, answer("answer 1")), (2, answer("answer 2")), (3, None)];
    assert_eq!(reused(&jobs), want);
}

#[tokio::test(start_paused = true)]
async fn only_a_run_that_says_so_takes_over_answers_and_only_to_its_requests() {
    let (mut world, _) = answered(2, config(json!({}))).await;
    for (n, more) in [json!({}), json!({"reuse": "exact", "temperature": 0.5})].into_iter().enumerate() {
        let run = world.another_run(1, 7 + n as u128, 2, config(more)).await;
        index(&world, run).await;
        world.feed().await;
        let jobs = world.take(1).await;
        assert_eq!(reused(&jobs), [(0, None), (1, None)]);
        assert_eq!(jobs[0].run_id, run);
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_fed_again_has_its_answer_again() {
    let (mut world, earlier) = answered(1, config(json!({}))).await;
    let run = world.another_run(1, 7, 1, config(json!({"reuse": "exact"}))).await;
    world.feed().await;
    index(&world, run).await;
    world.feed().await;
    let job = world.take(1).await.remove(0);
    let deferred = Deferred {
        run_id: run,
        ordinal: job.ordinal,
        sample: job.sample,
        epoch: job.epoch,
        attempt: job.attempt,
        failures: 0,
        not_before: Timestamp::UNIX_EPOCH,
        reason: "the run is paused".to_owned(),
        pause: false,
        pause_cause: None,
        unreachable: false,
        call: Call { attempts: Vec::new(), ..call() },
    };
    let batch = LogBatch(vec![LogEntry::Deferred(Box::new(deferred))]);
    world.store.write_logs(&batch, world.clock.now()).await.unwrap();

    world.feed_for(1).await;

    let again = world.take(1).await;
    assert_eq!((again[0].attempt, reused(&again)), (1, vec![(0, Some(("answer 0", earlier)))]));
}

#[tokio::test(start_paused = true)]
async fn an_index_goes_on_where_another_leader_ended() {
    let (world, earlier) = answered(2_500, config(json!({}))).await;
    let run = world.another_run(1, 7, 2_500, config(json!({"reuse": "exact"}))).await;
    let row = world.row(run).await;
    assert!(!world.feeder.answers.step(&row).await.unwrap());
    let found = world.store.unindexed_runs(&row, 9).await.unwrap();
    assert_eq!(
        found.iter().map(|found| (found.run.id, found.after)).collect::<Vec<_>>(),
        [(earlier, Some((999, 0)))]
    );

    let another = EarlierAnswers::new(world.feeder.runs.store.clone(), Arc::default());
    let mut steps = 0;
    while !another.step(&row).await.unwrap() {
        steps += 1;
    }

    assert_eq!(steps, 2);
    let last = another.find(&row, 0, 2_400, 100).await.unwrap();
    assert_eq!((last.len(), &*last[&(2_499, 0)].response), (100, "answer 2499"));
}

#[tokio::test(start_paused = true)]
async fn texts_that_are_not_stored_are_no_answers() {
    let (world, _) = answered(1, config(json!({"texts": "hashes"}))).await;
    let run = world.another_run(1, 7, 1, config(json!({"reuse": "exact"}))).await;

    assert_eq!(index(&world, run).await, 2, "it is looked at once");

    assert!(world.feeder.answers.find(&world.row(run).await, 0, 0, 1).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_run_that_goes_on_looks_for_answers_that_came_since() {
    let (mut world, first) = answered(1, config(json!({}))).await;
    let run = world.another_run(1, 7, 1, config(json!({"reuse": "exact"}))).await;
    world.feed().await;
    index(&world, run).await;
    assert!(world.feeder.answers.are_ready(&world.row(run).await));
    let second = world.another_run(1, 8, 1, config(json!({}))).await;
    answer_all(&world, second).await;
    world.feeder.answers.retain(&[]);
    let row = world.store.run(run).await.unwrap();
    assert!(!world.feeder.answers.are_ready(&row));

    index(&world, run).await;

    let found = async |world: &World| world.feeder.answers.find(&row, 0, 0, 1).await.unwrap()[&(0, 0)].run_id;
    assert_eq!(found(&world).await, second, "the newest answers");
    world.store.remove_run(second).await.unwrap();
    assert_eq!(found(&world).await, first, "a removed run has no answers");
}
