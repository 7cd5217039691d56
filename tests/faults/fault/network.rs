//! Links between processes and servers that break, lie dead, or are slow.

use std::time::Duration;

use runmill_testkit::Link;

use crate::{waiting::seconds, world::World};

/// Link of all processes to one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    Broker,
    Database,
    Model,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// All connections break, several times, and new ones are accepted, as at the restart of a proxy.
    Cut { to: To, times: u32, between: f64 },
    /// All connections break, and new ones are refused for some seconds.
    Down { to: To, seconds: f64 },
    /// The connections stay open and carry nothing for some seconds.
    Silent { to: To, seconds: f64 },
    /// Each piece of data comes later.
    Delay { to: To, milliseconds: u64, seconds: f64 },
    /// Each connection carries only so many bytes a second.
    Throttle { to: To, bytes_per_second: u32, seconds: f64 },
    /// All connections to the broker break again and again while the database is down.
    CutBrokerWhileDatabaseIsDown { times: u32 },
}

impl Fault {
    pub async fn happen(self, world: &mut World<'_>) -> anyhow::Result<()> {
        match self {
            Self::Cut { to, times, between } => {
                for _ in 0..times {
                    link(world, to).cut();
                    seconds(between).await;
                }
            }
            Self::Down { to, seconds: length } => {
                let link = link(world, to);
                link.set(|quality| quality.refusing = true);
                link.cut();
                seconds(length).await;
                link.heal();
            }
            Self::Silent { to, seconds: length } => {
                link(world, to).set(|quality| quality.silent = true);
                seconds(length).await;
                link(world, to).heal();
            }
            Self::Delay { to, milliseconds, seconds: length } => {
                link(world, to).set(|quality| quality.delay = Duration::from_millis(milliseconds));
                seconds(length).await;
                link(world, to).heal();
            }
            Self::Throttle { to, bytes_per_second, seconds: length } => {
                link(world, to).set(|quality| quality.bytes_per_second = Some(bytes_per_second));
                seconds(length).await;
                link(world, to).heal();
            }
            Self::CutBrokerWhileDatabaseIsDown { times } => {
                world.postgres.set(|quality| quality.refusing = true);
                world.postgres.cut();
                for _ in 0..times {
                    world.amqp.cut();
                    seconds(1.0).await;
                }
                world.postgres.heal();
            }
        }
        Ok(())
    }
}

fn link<'a>(world: &'a World<'_>, to: To) -> &'a Link {
    match to {
        To::Broker => &world.amqp,
        To::Database => &world.postgres,
        To::Model => &world.model,
    }
}
