use runmill_broker::Broker as _;
use serde_json::json;

use super::*;
use crate::world::World;

fn lookout(world: &World) -> Lookout {
    Lookout {
        store: Arc::new(world.store.clone()),
        broker: world.broker.clone(),
        clock: world.clock.clock(),
        metrics: world.feeder.metrics.clone(),
        obstacles: Obstacles::default(),
        log_partitions: 1,
    }
}

async fn causes(lookout: &Lookout, run: RunId) -> Vec<HeldBackCause> {
    lookout.look().await.unwrap();
    lookout.obstacles.of(run).into_iter().map(|held| held.cause).collect()
}

#[tokio::test]
async fn a_run_that_stands_still_says_what_is_missing() {
    let mut world = World::new().await;
    let run = world.run(1, 4, json!({})).await;
    let lookout = lookout(&world);
    world.feed().await;
    assert_eq!(causes(&lookout, run).await, [], "it has just begun");
    world.clock.advance(Duration::from_secs(6));
    world.leading.release().await;

    let all = [HeldBackCause::NoFeeder, HeldBackCause::NoExecutor, HeldBackCause::NoLogSink];
    assert_eq!(causes(&lookout, run).await, all);
    let gauge = |cause: &str| world.feeder.metrics.runs_held_back.with_label_values(&[cause]).get();
    assert_eq!((gauge("no_executor"), gauge("queue_refused")), (1, 0));

    world.replace_leader().await;
    world.beat(run, 0, false).await;
    let _sink = world.broker.subscribe(Queue::Logs(0), 1).await.unwrap();
    assert_eq!(causes(&lookout, run).await, []);
    assert_eq!(world.feeder.metrics.runs_held_back.with_label_values(&["no_executor"]).get(), 0);

    world.broker.close().await;
    assert_eq!(causes(&lookout, run).await, [HeldBackCause::BrokerUnreachable]);
}

#[tokio::test]
async fn a_paused_run_is_not_held_back() {
    let world = World::new().await;
    let run = world.run(1, 4, json!({})).await;
    let pause = runmill_store::Transition::Pause { reason: "lunch".into() };
    runmill_store::RunWriter::transition(&world.store, run, pause, world.clock.now()).await.unwrap();
    world.clock.advance(Duration::from_mins(1));

    assert_eq!(causes(&lookout(&world), run).await, []);
}
