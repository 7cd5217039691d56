use serde_json::json;
use tokio::time::advance;

use super::*;
use crate::world::World;

async fn pass_after(world: &mut World, time: Duration) -> u64 {
    advance(time).await;
    world.pass().await
}

#[tokio::test(start_paused = true)]
async fn a_job_is_fed_again_only_after_the_longest_time_that_its_run_allows() {
    let mut world = World::new().await;
    let retry = json!({"wait_max_seconds": 1, "backoff_base_seconds": 0.01, "backoff_max_seconds": 0.01,
        "budget_percent": 1000});
    world.run(1, 1, json!({"timeout_seconds": 8, "max_retries": 15, "retry": retry})).await;
    assert_eq!(world.pass().await, 1);
    // The job's executor is healthy. Its attempts fail until the last one, so no result comes for a long time.
    assert_eq!(world.pass().await, 1, "the reconciler first sees the job");
    assert_eq!(pass_after(&mut world, Duration::from_secs(105)).await, 1);
    assert_eq!(pass_after(&mut world, Duration::from_secs(75)).await, 1);
    let longest = 16 * (8 + 1) + 60;
    assert_eq!(pass_after(&mut world, Duration::from_secs(longest - 180 - 1)).await, 1);

    assert_eq!(pass_after(&mut world, Duration::from_secs(1)).await, 2);
}

#[test]
fn a_day_is_over_an_hour_after_its_midnight() {
    let time = |text: &str| text.parse::<Timestamp>().unwrap();
    for created in ["2026-11-30T00:00:00Z", "2026-11-30T23:59:59Z"] {
        assert!(!is_day_over(time(created), time("2026-12-01T00:59:59Z")), "{created}");
        assert!(is_day_over(time(created), time("2026-12-01T01:00:00Z")), "{created}");
    }
}
