//! A broker that stops, refuses, or loses queues.

use runmill_broker::Queue;

use crate::{
    service::Role,
    waiting::seconds,
    world::{LOG_PARTITIONS, World},
};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// The broker is asked to stop, and started again after some seconds.
    Restart {
        down: f64,
    },
    /// The broker is killed, and started again after some seconds.
    Kill {
        down: f64,
    },
    /// An operator closes all connections, several times.
    CloseConnections {
        times: u32,
        between: f64,
    },
    /// The broker has no memory left, and blocks publishers.
    MemoryAlarm {
        seconds: f64,
    },
    /// An executor is killed while the broker blocks publishers, so that it holds answers whose logs it cannot publish;
    /// another is started.
    ExecutorKilledInAlarm {
        seconds: f64,
    },
    /// The broker has no disk left, and blocks publishers.
    DiskAlarm {
        seconds: f64,
    },
    PurgeJobs,
    DeleteJobs,
    DeleteLogs,
    /// The broker forgets everything, and keeps running.
    Wipe,
    /// `rabbitmq-upgrade drain`, and `revive` after some seconds.
    Drain {
        seconds: f64,
    },
    /// Each node of a cluster is killed and started again, one after the other.
    KillEachNode {
        down: f64,
    },
    /// The last two nodes of a cluster of three are killed, so that there is no majority.
    KillTwoNodes {
        down: f64,
    },
}

impl Fault {
    pub async fn happen(self, world: &mut World<'_>) -> anyhow::Result<()> {
        match self {
            Self::Restart { down } => {
                world.servers.rabbits[0].stop().await?;
                seconds(down).await;
                start(world, 0).await
            }
            Self::Kill { down } => {
                world.servers.spoiled = true;
                world.servers.rabbits[0].kill();
                seconds(down).await;
                start(world, 0).await
            }
            Self::CloseConnections { times, between } => {
                for _ in 0..times {
                    ctl(world, &["close_all_connections", "scenario"]).await?;
                    seconds(between).await;
                }
                Ok(())
            }
            Self::MemoryAlarm { seconds: length } => {
                ctl(world, &["set_vm_memory_high_watermark", "0.0001"]).await?;
                seconds(length).await;
                ctl(world, &["set_vm_memory_high_watermark", "0.4"]).await
            }
            Self::ExecutorKilledInAlarm { seconds: length } => {
                ctl(world, &["set_vm_memory_high_watermark", "0.0001"]).await?;
                seconds(length).await;
                let victim = world.position(Role::Executor);
                world.kill(victim).await?;
                world.services[victim].start()?;
                ctl(world, &["set_vm_memory_high_watermark", "0.4"]).await?;
                world.ready().await
            }
            Self::DiskAlarm { seconds: length } => {
                ctl(world, &["set_disk_free_limit", "100000GB"]).await?;
                seconds(length).await;
                ctl(world, &["set_disk_free_limit", "50MB"]).await
            }
            Self::PurgeJobs => ctl(world, &["purge_queue", &jobs(world)]).await,
            Self::DeleteJobs => ctl(world, &["delete_queue", &jobs(world)]).await,
            Self::DeleteLogs => {
                for partition in 0..LOG_PARTITIONS {
                    let queue = format!("{}.logs.{partition}", world.prefix);
                    ctl(world, &["delete_queue", &queue]).await?;
                }
                Ok(())
            }
            Self::Wipe => {
                world.servers.spoiled = true;
                for command in ["stop_app", "reset", "start_app"] {
                    ctl(world, &[command]).await?;
                }
                Ok(())
            }
            Self::Drain { seconds: length } => {
                let node = &world.servers.rabbits[0];
                node.tool("rabbitmq-upgrade", &["drain"]).await?;
                seconds(length).await;
                node.tool("rabbitmq-upgrade", &["revive"]).await.map(drop)
            }
            Self::KillEachNode { down } => {
                for node in 0..world.servers.rabbits.len() {
                    world.servers.rabbits[node].kill();
                    seconds(down).await;
                    start(world, node).await?;
                }
                Ok(())
            }
            Self::KillTwoNodes { down } => {
                let nodes = world.servers.rabbits.len();
                for node in nodes - 2..nodes {
                    world.servers.rabbits[node].kill();
                }
                seconds(down).await;
                for node in nodes - 2..nodes {
                    start(world, node).await?;
                }
                Ok(())
            }
        }
    }
}

async fn start(world: &mut World<'_>, node: usize) -> anyhow::Result<()> {
    world.servers.rabbits[node].start_again().await?;
    world.servers.rabbits[node].await_startup().await
}

async fn ctl(world: &World<'_>, arguments: &[&str]) -> anyhow::Result<()> {
    world.servers.rabbits[0].ctl(arguments).await.map(drop)
}

fn jobs(world: &World<'_>) -> String {
    format!("{}.jobs.{}", world.prefix, world.work.provider)
}

/// Returns all queues that must be empty in the end.
pub fn queues(world: &World<'_>) -> Vec<Queue> {
    let logs = (0..LOG_PARTITIONS).map(Queue::Logs);
    [Queue::Jobs(world.work.provider)].into_iter().chain(logs).collect()
}
