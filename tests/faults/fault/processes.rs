//! Processes that die, freeze, or are asked to stop.

use runmill_proto::{
    codec::{self, Message as _},
    message::Job,
};
use runmill_testkit::Tap;

use crate::{scenario::DRAIN_SECONDS, service::Role, waiting::seconds, world::World};

/// Number of times that a moment between publish and mark is waited for.
const TRIES: u32 = 60;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// SIGKILL of the first process, which is started again after some seconds.
    Kill { role: Role, back_after: f64 },
    /// SIGKILL that nobody repairs: the others take over.
    KillForGood(Role),
    /// SIGKILL and a start, several times.
    KillOften { role: Role, times: u32, between: f64 },
    /// SIGTERM of the first process, which is started again when it has ended.
    Terminate(Role),
    /// SIGSTOP of the first process, and SIGCONT.
    Freeze { role: Role, seconds: f64 },
    /// SIGKILL of the dispatcher that leads, which is started again at once.
    KillLeader,
    /// SIGKILL of the dispatcher that leads, after it has published jobs and before it could mark them as fed.
    KillLeaderBeforeMark,
    /// SIGSTOP of the dispatcher that leads.
    FreezeLeader { seconds: f64 },
    /// SIGSTOP of the leader, whose database sessions end meanwhile.
    FreezeLeaderWithoutSessions { seconds: f64 },
    /// SIGKILL of every process at once, as in a power cut, and a start.
    KillAll,
}

impl Fault {
    pub async fn happen(self, world: &mut World<'_>) -> anyhow::Result<()> {
        match self {
            Self::Kill { role, back_after } => {
                let victim = world.position(role);
                world.kill(victim).await?;
                seconds(back_after).await;
                start(world, victim).await
            }
            Self::KillForGood(role) => {
                let victim = world.position(role);
                world.allow_in_hand(true).await;
                world.busy().await?;
                world.kill_now(victim).await
            }
            Self::KillOften { role, times, between } => {
                for _ in 0..times {
                    let victim = world.position(role);
                    world.kill(victim).await?;
                    world.services[victim].start()?;
                    seconds(between).await;
                }
                world.ready().await
            }
            Self::Terminate(role) => terminate(world, role).await,
            Self::Freeze { role, seconds } => {
                let victim = world.position(role);
                freeze(world, victim, seconds).await
            }
            Self::KillLeader => {
                let victim = world.leader().await?;
                world.kill(victim).await?;
                start(world, victim).await
            }
            Self::KillLeaderBeforeMark => kill_before_mark(world).await,
            Self::FreezeLeader { seconds } => {
                let victim = world.leader().await?;
                freeze(world, victim, seconds).await
            }
            Self::FreezeLeaderWithoutSessions { seconds: frozen } => {
                let victim = world.leader().await?;
                world.services[victim].signal("STOP").await?;
                world.postgres.cut();
                seconds(frozen).await;
                world.services[victim].signal("CONT").await?;
                world.ready().await
            }
            Self::KillAll => {
                // A dead dispatcher tells nobody what executors have.
                for _ in 0..world.scenario.plan.executors {
                    world.allow_in_hand(true).await;
                }
                for victim in 0..world.services.len() {
                    world.kill_now(victim).await?;
                }
                for victim in 0..world.services.len() {
                    world.services[victim].start()?;
                }
                world.ready().await
            }
        }
    }
}

async fn start(world: &mut World<'_>, victim: usize) -> anyhow::Result<()> {
    world.services[victim].start()?;
    world.ready().await
}

async fn freeze(world: &mut World<'_>, victim: usize, frozen: f64) -> anyhow::Result<()> {
    if world.services[victim].role == Role::Executor {
        world.allow_in_hand(false).await;
    }
    world.services[victim].signal("STOP").await?;
    seconds(frozen).await;
    world.services[victim].signal("CONT").await?;
    world.ready().await
}

async fn terminate(world: &mut World<'_>, role: Role) -> anyhow::Result<()> {
    let victim = world.position(role);
    let status = world.services[victim].stop().await?;
    // With too little time for its work, a process says by its status that it was cut short.
    let has_time = world.scenario.plan.drain_seconds >= DRAIN_SECONDS;
    if status != Some(0) && has_time {
        world.tally.notes.push(format!("the {} ended with {status:?} after SIGTERM", role.name()));
    }
    start(world, victim).await
}

fn ordinal(body: &[u8]) -> Option<i64> {
    let job: Job = codec::decode(Job::TYPE, body).ok()?;
    Some(job.ordinal.into())
}

/// Holds the row of the run, so that the feeder publishes and then waits with its mark, and kills it there.
async fn kill_before_mark(world: &mut World<'_>) -> anyhow::Result<()> {
    let victim = world.leader().await?;
    let session = world.servers.session(&world.database).await?;
    let url = world.servers.rabbits[0].url();
    let keys = [world.work.provider.to_string()];
    let tap = Tap::open(&url, &format!("{}.jobs", world.prefix), &keys).await;
    for _ in 0..TRIES {
        session.batch_execute("BEGIN").await?;
        let run = session.query_one("SELECT fed FROM runs FOR UPDATE", &[]).await?;
        let fed: i64 = run.try_get("fed")?;
        seconds(0.3).await;
        // While the row is held, no job at or after this position is marked.
        if tap.bodies().await.iter().any(|body| ordinal(body).is_some_and(|ordinal| ordinal >= fed)) {
            world.kill(victim).await?;
            session.batch_execute("ROLLBACK").await?;
            return start(world, victim).await;
        }
        session.batch_execute("ROLLBACK").await?;
        seconds(0.05).await;
    }
    world.tally.notes.push("the feeder never published while its mark had to wait".into());
    Ok(())
}
