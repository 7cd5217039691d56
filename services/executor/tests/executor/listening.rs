//! When an executor is ready after its start.

use std::time::Duration;

use tokio::{task::yield_now, time::timeout};

use crate::{watched::Seen, world::World};

async fn until_listener_is(world: &World, state: Result<(), &str>) {
    let is_so = async {
        while world.listener.check() != state {
            yield_now().await;
        }
    };
    timeout(Duration::from_secs(30), is_so).await.expect("it is so soon");
}

#[tokio::test]
async fn an_executor_that_takes_no_requests_yet_is_not_ready() {
    let mut world = World::new().await;
    world.broker.hold_requests(true);
    let job = world.publish(0).await;
    world.start();

    // It hears control messages before it takes jobs.
    assert_eq!(world.next().await, Seen::Taken(job));
    assert_eq!(world.listener.check(), Err("requests are not taken yet"));

    world.broker.hold_requests(false);
    until_listener_is(&world, Ok(())).await;
}

#[tokio::test]
async fn an_executor_that_hears_no_control_messages_yet_is_not_ready() {
    let world = World::new().await;
    world.broker.hold_control(true);
    world.start();

    until_listener_is(&world, Err("control messages are not heard yet")).await;

    world.broker.hold_control(false);
    until_listener_is(&world, Ok(())).await;
}
