//! A database that goes away, refuses, or is changed under its clients.

use anyhow::Context;
use runmill_testkit::postgres::ROLE;

use crate::{
    service::Role,
    waiting::{blocking, seconds},
    world::World,
};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// The server crashes, and starts again after some seconds.
    Crash { down: f64 },
    /// An operator restarts the server.
    Restart,
    /// The server crashes, and serves only reads for some seconds when it is back.
    CrashThenReadOnly { seconds: f64 },
    /// All sessions are ended, several times.
    Terminate { times: u32, between: f64 },
    /// Only two sessions are allowed.
    SlotsUsedUp { seconds: f64 },
    /// The disk is full.
    DiskFull { seconds: f64 },
    /// Statements end after five milliseconds.
    StatementTimeout { seconds: f64 },
    /// Sessions end if they are idle in a transaction.
    IdleTimeout { seconds: f64 },
    /// The table of results has another name, as in a migration in progress.
    TableRenamed { table: &'static str, seconds: f64 },
    /// The table of results is locked, as in a migration in progress.
    TableLocked { seconds: f64 },
    /// The password of the role is another one.
    PasswordChanged { seconds: f64 },
    /// Transactions may only read.
    ReadOnly { seconds: f64 },
    /// The role may not write the table of results.
    RightsRevoked { seconds: f64 },
    /// The server stops and its standby takes its place, behind the same address.
    Replaced,
}

impl Fault {
    pub async fn happen(self, world: &mut World<'_>) -> anyhow::Result<()> {
        match self {
            Self::Crash { down } => {
                crash(world).await?;
                seconds(down).await;
                let server = world.servers.postgres.clone();
                blocking(move || server.start()).await
            }
            Self::Restart => {
                let server = world.servers.postgres.clone();
                blocking(move || server.stop_fast()).await?;
                let server = world.servers.postgres.clone();
                blocking(move || server.start()).await
            }
            Self::CrashThenReadOnly { seconds: length } => {
                let read_only = "SET default_transaction_read_only = on";
                alter(world, read_only).await?;
                crash(world).await?;
                let server = world.servers.postgres.clone();
                blocking(move || server.start()).await?;
                seconds(length).await;
                alter(world, "RESET default_transaction_read_only").await?;
                terminate(world).await
            }
            Self::Terminate { times, between } => {
                for _ in 0..times {
                    terminate(world).await?;
                    seconds(between).await;
                }
                Ok(())
            }
            Self::SlotsUsedUp { seconds: length } => {
                with_role(world, "CONNECTION LIMIT 2", length, "CONNECTION LIMIT -1").await
            }
            Self::DiskFull { seconds: length } => {
                let disk = world.servers.disk.as_ref().context("the plan has no small disk")?;
                disk.fill();
                seconds(length).await;
                Ok(disk.empty()?)
            }
            Self::StatementTimeout { seconds: length } => {
                with_role(world, "SET statement_timeout = 5", length, "RESET statement_timeout").await
            }
            Self::IdleTimeout { seconds: length } => {
                let name = "idle_in_transaction_session_timeout";
                with_role(world, &format!("SET {name} = 20"), length, &format!("RESET {name}")).await
            }
            Self::TableRenamed { table, seconds: length } => {
                sql(world, &format!("ALTER TABLE {table} RENAME TO moved")).await?;
                seconds(length).await;
                note_if_ready(world).await;
                sql(world, &format!("ALTER TABLE moved RENAME TO {table}")).await
            }
            Self::TableLocked { seconds: length } => {
                let session = world.servers.session(&world.database).await?;
                session.batch_execute("BEGIN; LOCK TABLE results IN ACCESS EXCLUSIVE MODE").await?;
                seconds(length).await;
                Ok(session.batch_execute("ROLLBACK").await?)
            }
            Self::PasswordChanged { seconds: length } => {
                let back = format!("PASSWORD '{ROLE}'");
                with_role(world, "PASSWORD 'another'", length, &back).await
            }
            Self::ReadOnly { seconds: length } => {
                let name = "default_transaction_read_only";
                with_role(world, &format!("SET {name} = on"), length, &format!("RESET {name}")).await
            }
            Self::RightsRevoked { seconds: length } => {
                sql(
                    world,
                    &format!("ALTER TABLE results OWNER TO postgres; REVOKE ALL ON results FROM {ROLE}"),
                )
                .await?;
                seconds(length).await;
                note_if_ready(world).await;
                sql(world, &format!("ALTER TABLE results OWNER TO {ROLE}")).await
            }
            Self::Replaced => replace(world).await,
        }
    }
}

/// Changes the role, which new sessions feel, and ends the present ones; then changes it back.
async fn with_role(world: &World<'_>, change: &str, length: f64, back: &str) -> anyhow::Result<()> {
    alter(world, change).await?;
    terminate(world).await?;
    seconds(length).await;
    alter(world, back).await?;
    terminate(world).await
}

async fn alter(world: &World<'_>, change: &str) -> anyhow::Result<()> {
    world.servers.sql(&format!("ALTER ROLE {ROLE} {change}")).await
}

async fn terminate(world: &World<'_>) -> anyhow::Result<()> {
    let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{ROLE}'");
    world.servers.sql(&end).await
}

async fn sql(world: &World<'_>, statement: &str) -> anyhow::Result<()> {
    let session = world.servers.session(&world.database).await?;
    Ok(session.batch_execute(statement).await?)
}

/// Notes a log-sink that says it is ready although it cannot write.
async fn note_if_ready(world: &mut World<'_>) {
    let sink = &world.services[world.position(Role::LogSink)];
    let answer = world.api.http.get(sink.url("/readyz")).send().await;
    if answer.is_ok_and(|answer| answer.status().is_success()) {
        world.tally.notes.push("the log-sink says that it is ready, and cannot write".into());
    }
}

async fn crash(world: &World<'_>) -> anyhow::Result<()> {
    let server = world.servers.postgres.clone();
    blocking(move || server.stop()).await
}

async fn replace(world: &mut World<'_>) -> anyhow::Result<()> {
    let standby = world.servers.standby.take().context("the plan has no standby")?;
    let old = std::mem::replace(&mut world.servers.postgres, standby);
    world.servers.spoiled = true;
    // A clean stop sends all changes to the standby first.
    blocking(move || old.stop_fast()).await?;
    let new = world.servers.postgres.clone();
    blocking(move || new.promote()).await?;
    let address = world.servers.postgres.address();
    world.postgres.set(|quality| quality.upstreams = vec![address]);
    Ok(())
}
