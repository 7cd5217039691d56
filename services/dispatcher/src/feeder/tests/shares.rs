//! Runs share a lane by their priorities.

use std::{collections::BTreeMap, time::Duration};

use runmill_proto::{RunId, api::RunPatch};
use runmill_store::{RunWriter, Transition};
use serde_json::json;
use tokio::time::advance;

use crate::world::World;

/// Priorities of the runs, and the sizes that go with them: the small ones end first.
const RUNS: [(u32, usize); 10] = [
    (1, 900),
    (1, 2_000),
    (2, 1_500),
    (2, 4_000),
    (3, 2_500),
    (3, 4_000),
    (4, 4_000),
    (5, 5_000),
    (6, 5_000),
    (8, 8_000),
];
/// Number of calls that end in each pass.
const STEP: u64 = 100;

/// Makes `passes` of the feeder, and ends the oldest jobs in the queue after each. Returns the number of jobs of each
/// run that ended.
async fn ended_in(world: &mut World, passes: u32) -> BTreeMap<RunId, u64> {
    let mut ended = BTreeMap::new();
    for _ in 0..passes {
        advance(Duration::from_millis(50)).await;
        world.clock.advance(Duration::from_millis(50));
        world.feed().await;
        let jobs = world.take_some(1, STEP).await;
        for job in &jobs {
            *ended.entry(job.run_id).or_default() += 1;
        }
        world.answer(&jobs).await;
    }
    ended
}

/// Checks that the runs shared what ended by `priorities`, within a tenth.
fn assert_shares(ended: &BTreeMap<RunId, u64>, priorities: &[(RunId, u32)]) {
    let (all, weights): (u64, u32) =
        (ended.values().sum(), priorities.iter().map(|(_, weight)| weight).sum());
    for (run, weight) in priorities {
        let (got, due) = (ended[run], all * u64::from(*weight) / u64::from(weights));
        assert!(
            got.abs_diff(due) * 10 <= due,
            "{got} of {all} with priority {weight} of {weights}: due are {due}"
        );
    }
}

async fn prioritize(world: &World, run: RunId, priority: u32) {
    let patch = RunPatch { priority: Some(priority), ..RunPatch::default() };
    world.store.transition(run, Transition::Change(patch), world.clock.now()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn ten_runs_of_mixed_sizes_share_a_lane_by_their_priorities() {
    let mut world = World::new().await;
    let mut runs = vec![world.run(1, RUNS[0].1, json!({})).await];
    for (n, (_, items)) in (2..).zip(&RUNS[1..]) {
        runs.push(world.another_run(1, n, *items, json!({})).await);
    }
    let mut priorities: Vec<_> = runs.iter().copied().zip(RUNS.map(|(priority, _)| priority)).collect();
    for (run, priority) in &priorities {
        prioritize(&world, *run, *priority).await;
    }
    // In the first passes each run has its trial, and the window grows.
    ended_in(&mut world, 30).await;

    assert_shares(&ended_in(&mut world, 105).await, &priorities);

    // The last becomes the least, and the first the most important, while they run.
    priorities[9].1 = 1;
    priorities[1].1 = 8;
    for n in [9, 1] {
        prioritize(&world, priorities[n].0, priorities[n].1).await;
    }
    ended_in(&mut world, 30).await;
    let ended = ended_in(&mut world, 35).await;
    let (least, most) = (ended[&priorities[9].0], ended[&priorities[1].0]);
    assert!(most.abs_diff(8 * least) * 10 <= most + 320, "{most} with priority 8, {least} with 1");
}
