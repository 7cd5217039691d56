//! Runs one scenario from start to verdict.

use std::{path::PathBuf, time::Duration};

use anyhow::Context;
use tokio::time::Instant;

use crate::{
    checker::{Row, Span, check},
    observer::observe,
    scenario::{Kind, Scenario},
    servers::Servers,
    standalone,
    world::World,
};

/// Longest time from the end of the faults to the end of the run.
const END_MAX: Duration = Duration::from_secs(90);
/// Longest time that an observer may take after the run's end.
const OBSERVER_MAX: Duration = Duration::from_secs(30);

/// Folder of the logs of a scenario, which are kept until it runs again.
pub fn logs_of(name: &str) -> anyhow::Result<PathBuf> {
    let safe: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("faults").join(safe);
    // It does not exist yet at the first time.
    let _first = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Runs a scenario. Starts its servers if `servers` has none that fit.
pub async fn drive(scenario: &Scenario, servers: &mut Option<Servers>, seed: u64) -> Row {
    let started = Instant::now();
    let judged = match scenario.kind {
        Kind::Cluster => cluster(scenario, servers, seed).await,
        Kind::Standalone(fault) => standalone::run(&scenario.name, fault).await,
    };
    let mut row = judged.unwrap_or_else(|error| {
        if let Some(servers) = servers {
            servers.spoiled = true;
        }
        let items = scenario.plan.items as u64;
        let broken = vec![format!("{error:#}")];
        Row { scenario: scenario.name.clone(), items, broken, ..Row::default() }
    });
    row.seconds = started.elapsed().as_secs_f64();
    row
}

async fn cluster(scenario: &Scenario, servers: &mut Option<Servers>, seed: u64) -> anyhow::Result<Row> {
    let logs = logs_of(&scenario.name)?;
    let servers = fitting(scenario, servers).await?;
    let mut world = World::start(scenario, servers, &logs).await?;
    let observer = tokio::spawn(observe(world.api.clone(), world.work.run, seed));
    world.steady().await?;
    let began = world.clock.now();
    for fault in &scenario.faults {
        fault.happen(&mut world).await.with_context(|| format!("{fault:?}"))?;
    }
    let faults = Span { began, ended: world.clock.now() };
    let status = world.ended(END_MAX).await?;
    let stop = observer.abort_handle();
    let events = tokio::time::timeout(OBSERVER_MAX, observer).await;
    stop.abort();
    let events = events.ok().transpose().context("the observer failed")?;
    let row = check(&mut world, status, faults, events).await?;
    world.clean_up().await?;
    Ok(row)
}

/// Returns servers on which the scenario can run: those of the scenario before, unless they are spoiled or other ones
/// are needed.
async fn fitting<'a>(
    scenario: &Scenario,
    servers: &'a mut Option<Servers>,
) -> anyhow::Result<&'a mut Servers> {
    let plan = &scenario.plan;
    let fits = servers.as_ref().is_some_and(|servers| {
        !servers.spoiled
            && servers.rabbits.len() == plan.nodes
            && servers.disk.is_some() == plan.small_disk
            && servers.standby.is_some() == plan.standby
    });
    if !fits {
        *servers = None;
        let mut started = match plan {
            plan if plan.small_disk => Servers::start_on_small_disk().await?,
            plan if plan.nodes > 1 => Servers::start_cluster(plan.nodes).await?,
            _ => Servers::start().await?,
        };
        if plan.standby {
            let primary = started.postgres.clone();
            let standby = crate::waiting::blocking(move || primary.launch_standby()).await?;
            started.standby = Some(std::sync::Arc::new(standby));
        }
        *servers = Some(started);
    }
    servers.as_mut().context("they were started")
}
