//! Jobs that are in no queue and at no executor.

use serde_json::json;

use crate::world::World;

/// Seconds after which lost jobs are fed again at the latest.
const SECONDS: u64 = 8;

#[tokio::test(start_paused = true)]
async fn lost_jobs_are_fed_again_within_seconds() {
    let mut world = World::new().await;
    let run = world.run(1, 4, json!({})).await;
    world.feed().await;
    world.take(1).await;
    world.beat(run, 0, false).await;

    world.feed_for(4).await;
    assert_eq!(world.take(1).await.len(), 0, "the news of them may be on its way");
    world.feed_for(SECONDS - 4).await;

    let again = world.take(1).await;
    assert_eq!(again.iter().map(|job| job.ordinal).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert!(again.iter().all(|job| job.possible_copy), "{again:?}");
    assert_eq!(world.feeder.metrics.lost_jobs.get(), 4);
    let reason = world.row(run).await.retry.reason.unwrap();
    assert!(reason.contains("4 jobs were in no queue"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_an_executor_has_in_hand_is_not_lost() {
    let mut world = World::new().await;
    let run = world.run(1, 4, json!({})).await;
    world.feed().await;
    world.take(1).await;

    for _ in 0..20 {
        world.beat(run, 4, false).await;
        world.feed_for(1).await;
    }

    assert_eq!(world.take(1).await.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_at_an_executor_that_does_not_say_what_it_has() {
    let mut world = World::new().await;
    let run = world.run(1, 4, json!({})).await;
    world.feed().await;
    world.take(1).await;

    for _ in 0..20 {
        world.beat(run, 4, true).await;
        world.feed_for(1).await;
    }

    assert_eq!(world.take(1).await.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_waits_in_its_queue_is_not_lost() {
    let mut world = World::new().await;
    world.run(1, 4, json!({})).await;
    world.feed().await;

    world.feed_for(60).await;

    assert_eq!(world.take(1).await.len(), 4);
    assert_eq!(world.feeder.metrics.lost_jobs.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_log_waits_for_a_log_sink_is_not_lost() {
    let mut world = World::new().await;
    world.run(1, 4, json!({})).await;
    world.feed().await;
    for job in &world.take(1).await {
        world.leave_log(job).await;
    }

    world.feed_for(60).await;

    assert_eq!(world.feeder.metrics.lost_jobs.get(), 0);
}

/// Some jobs are lost and some have their logs in the partition: nothing tells which.
#[tokio::test(start_paused = true)]
async fn while_logs_wait_nobody_knows_which_jobs_are_lost() {
    let mut world = World::new().await;
    world.run(1, 4, json!({})).await;
    world.feed().await;
    world.leave_log(&world.take(1).await[0]).await;

    world.feed_for(60).await;

    assert_eq!(world.feeder.metrics.lost_jobs.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn jobs_that_no_feeding_helps_are_fed_less_and_less_often() {
    let mut world = World::new().await;
    let run = world.run(1, 1, json!({})).await;
    world.feed().await;
    let mut fed_at = Vec::new();
    for second in 0..100 {
        if !world.take(1).await.is_empty() {
            fed_at.push(second);
        }
        world.feed_for(1).await;
    }

    let waits: Vec<_> = fed_at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(waits.len(), 4, "{fed_at:?}");
    assert!(waits.windows(2).all(|pair| pair[1] > pair[0] + 3), "{waits:?}");
    assert_eq!(world.row(run).await.in_queue(), 1);
}

/// While other runs keep the queue filled, a job of the run could be behind theirs.
#[tokio::test(start_paused = true)]
async fn a_lane_with_lost_jobs_waits_until_its_queue_is_empty() {
    let mut world = World::new().await;
    let lost = world.run(1, 3, json!({})).await;
    world.feed().await;
    world.take(1).await;
    let busy = world.another_run(1, 2, 100, json!({})).await;
    world.feed().await;
    let first = world.take(1).await;
    assert!(first.iter().all(|job| job.run_id == busy), "{first:?}");

    // Each second one job of the busy run ends, so the queue is filled again until the lane waits.
    let mut waiting = first;
    let mut seen = Vec::new();
    for _ in 0..30 {
        if let Some(job) = waiting.pop() {
            world.answer(&[job]).await;
        }
        world.beat(busy, u32::try_from(waiting.len()).unwrap(), false).await;
        world.feed_for(1).await;
        let taken = world.take_some(1, 1).await;
        seen.extend(taken.iter().map(|job| job.run_id));
        waiting.extend(taken);
        if seen.contains(&lost) {
            break;
        }
    }

    assert!(seen.contains(&lost), "the lost jobs wait for the end of the other run");
    assert_eq!(world.feeder.metrics.lost_jobs.get(), 3);
}
