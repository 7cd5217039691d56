//! Changes that users make to a run while something else happens to it.

use crate::{service::Role, waiting::seconds, world::World};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The run is canceled while the first log-sink is frozen and the first executor is killed.
    CancelWithFrozenLogSink,
    /// The run is canceled.
    Cancel,
    /// The run is paused and resumed several times, and a process dies each time.
    PauseAndResume { times: u32, killing: Role },
    /// Failed items are tried again when the pass is over, and a log-sink dies each time.
    RetryFailed { times: u32 },
}

impl Fault {
    pub async fn happen(self, world: &mut World<'_>) -> anyhow::Result<()> {
        let run = world.work.run;
        match self {
            Self::Cancel => cancel(world).await,
            Self::CancelWithFrozenLogSink => {
                let sink = world.position(Role::LogSink);
                world.services[sink].signal("STOP").await?;
                cancel(world).await?;
                let executor = world.position(Role::Executor);
                world.kill(executor).await?;
                seconds(3.0).await;
                world.services[executor].start()?;
                world.services[sink].signal("CONT").await?;
                world.ready().await
            }
            Self::PauseAndResume { times, killing } => {
                for _ in 0..times {
                    world.api.act(run, "pause").await?;
                    let victim = world.position(killing);
                    world.kill(victim).await?;
                    world.services[victim].start()?;
                    world.ready().await?;
                    world.api.act(run, "resume").await?;
                    seconds(1.0).await;
                }
                Ok(())
            }
            Self::RetryFailed { times } => {
                for _ in 0..times {
                    world.ended(std::time::Duration::from_mins(1)).await?;
                    world.api.act(run, "retry-failed").await?;
                    let sink = world.position(Role::LogSink);
                    world.services[sink].kill().await?;
                    world.services[sink].start()?;
                    world.ready().await?;
                }
                Ok(())
            }
        }
    }
}

/// Cancels the run. A broadcast takes the news to executors, so calls of the next second are not counted.
async fn cancel(world: &mut World<'_>) -> anyhow::Result<()> {
    world.api.act(world.work.run, "cancel").await?;
    world.tally.canceled_at = Some(world.clock.now() + jiff::SignedDuration::from_secs(1));
    Ok(())
}
