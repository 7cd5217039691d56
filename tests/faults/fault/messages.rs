//! Messages that come twice, are garbage, or are of the previous release.

use std::time::Duration;

use anyhow::ensure;
use bytes::Bytes;
use runmill_broker::{Broker, Envelope, Queue};
use runmill_proto::{
    codec::{self, Message},
    message::{Deferred, Invocation, Job},
};
use runmill_testkit::Tap;
use tokio::time::{Instant, timeout_at};

use crate::{
    waiting::seconds,
    world::{LOG_PARTITIONS, World},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Each job of the next seconds is published a second time, as a feeder publishes what it may have published before.
    JobsTwice,
    /// Each log of the next seconds is published a second time.
    LogsTwice,
    /// Jobs that wait in the queue are replaced by what the previous release would have written.
    JobsOfPreviousRelease,
    /// Bodies that do not decode come into the queues of jobs and logs.
    Garbage { each: u32 },
}

/// Seconds for which messages are copied.
const COPYING: f64 = 1.5;

impl Fault {
    pub async fn happen(self, world: &mut World<'_>) -> anyhow::Result<()> {
        let broker = world.broker().await?;
        let jobs = Queue::Jobs(world.work.provider);
        match self {
            Self::JobsTwice => {
                for body in copied(world, "jobs", &[world.work.provider.to_string()]).await? {
                    let job: Job = codec::decode(Job::TYPE, &body)?;
                    broker.publish(jobs, Envelope::new(&Job { possible_copy: true, ..job })).await?;
                }
            }
            Self::JobsOfPreviousRelease => {
                let rewritten = rewritten(&broker, jobs).await?;
                ensure!(rewritten > 0, "no job waited in the queue");
            }
            Self::LogsTwice => {
                for partition in 0..LOG_PARTITIONS {
                    // Only one partition has the logs of the run.
                    let bodies = copied_if_any(world, "logs", &[partition.to_string()]).await;
                    for body in bodies {
                        let is_call = codec::decode::<Invocation>(Invocation::TYPE, &body).is_ok();
                        let copy =
                            if is_call { envelope::<Invocation>(body) } else { envelope::<Deferred>(body) };
                        broker.publish(Queue::Logs(partition), copy).await?;
                    }
                }
            }
            Self::Garbage { each } => {
                let logs = runmill_broker::log_partition(world.work.run, LOG_PARTITIONS);
                for queue in [jobs, Queue::Logs(logs)] {
                    for number in 0..each {
                        let envelope = envelope::<Job>(vec![0xc1, u8::try_from(number % 256)?]);
                        broker.publish(queue, envelope).await?;
                    }
                }
                world.tally.corrupted += 2 * u64::from(each);
            }
        }
        broker.close().await;
        Ok(())
    }
}

fn envelope<M: Message>(body: Vec<u8>) -> Envelope {
    Envelope {
        id: uuid::Uuid::now_v7(),
        message_type: M::TYPE.to_owned(),
        body: Bytes::from(body),
        traceparent: None,
        reason: None,
    }
}

/// Replaces jobs in the queue for a while. Returns how many.
async fn rewritten(broker: &impl Broker, jobs: Queue) -> anyhow::Result<usize> {
    let mut subscription = broker.subscribe(jobs, 10).await?;
    let (mut count, deadline) = (0, Instant::now() + Duration::from_secs_f64(COPYING));
    while let Ok(Some(delivery)) = timeout_at(deadline, subscription.next()).await {
        let job: Job = delivery.message.decode()?;
        let job = Job { possible_copy: false, term: 0, crashes: 0, ..job };
        broker.publish(jobs, Envelope::new(&job)).await?;
        delivery.ack().await?;
        count += 1;
    }
    subscription.stop().await;
    Ok(count)
}

/// Copies the messages that are published to an exchange for a while.
async fn copied(world: &World<'_>, exchange: &str, keys: &[String]) -> anyhow::Result<Vec<Vec<u8>>> {
    let bodies = copied_if_any(world, exchange, keys).await;
    ensure!(!bodies.is_empty(), "no message came to {exchange} that could be copied");
    Ok(bodies)
}

async fn copied_if_any(world: &World<'_>, exchange: &str, keys: &[String]) -> Vec<Vec<u8>> {
    let url = world.servers.rabbits[0].url();
    let tap = Tap::open(&url, &format!("{}.{exchange}", world.prefix), keys).await;
    seconds(COPYING).await;
    tap.bodies().await
}
