//! Judges a scenario by what a user and the provider see.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use runmill_broker::{Broker, Queue};
use runmill_gateway::CallRecord;
use runmill_proto::{
    Outcome, RunStatus,
    api::{ResultRecord, Run},
};

use crate::{fault::broker::queues, observer::Seen, rate, scenario::Counting, waiting::until, world::World};

/// Longest time that queues may take to be empty after a run.
const EMPTY_MAX: Duration = Duration::from_secs(20);

/// One row of the table.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub scenario: String,
    pub items: u64,
    pub results: u64,
    pub put_aside: u64,
    pub lost: u64,
    pub doubled: u64,
    pub extra_allowed: u64,
    pub extra: u64,
    pub limit_allowed: u64,
    pub limit: u64,
    /// Seconds from the end of the faults until the rate was back; `None` if it never was.
    pub recovery: Option<f64>,
    pub seconds: f64,
    /// Promises that did not hold.
    pub broken: Vec<String>,
}

/// Begin and end of the faults.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub began: Timestamp,
    pub ended: Timestamp,
}

/// Checks everything that must hold when the run has ended, and stops the cluster.
pub async fn check(
    world: &mut World<'_>,
    status: RunStatus,
    faults: Span,
    seen: Option<Seen>,
) -> anyhow::Result<Row> {
    let scenario = world.scenario;
    if status == RunStatus::Canceled {
        await_calm(world).await?;
    }
    let calls = calls_of_run(world);
    let run = world.api.run(world.work.run).await?;
    let results = world.api.results(world.work.run).await?;
    let mut row = Row { scenario: scenario.name.clone(), items: run.counters.total, ..Row::default() };
    row.broken.append(&mut world.tally.notes);
    row.results = results.len() as u64;
    row.doubled = row.results - distinct(&results);
    row.lost = row.items.saturating_sub(distinct(&results));
    check_run(&mut row, world, status, &run, &results);
    check_events(&mut row, &run, seen.as_ref());
    check_calls(&mut row, world, &calls, &run);
    row.recovery = rate::recovery(&calls, faults, run.finished_at);
    if row.recovery.is_none_or(|recovery| recovery > scenario.allowed.recovery_seconds) {
        row.broken.push(format!("the rate was not back within {} s", scenario.allowed.recovery_seconds));
    }
    check_queues(&mut row, world).await?;
    Ok(row)
}

/// Waits until nothing of the run is in a queue or in hand. A canceled run may end before that.
async fn await_calm(world: &World<'_>) -> anyhow::Result<()> {
    let broker = world.broker().await?;
    let run = world.work.run;
    let is_calm = async || {
        let mut in_queues = 0;
        for queue in queues(world) {
            in_queues += broker.depth(queue).await.ok().flatten().map_or(0, |depth| depth.ready);
        }
        let in_hand = world.api.executors().await.is_ok_and(|executors| {
            executors.iter().flat_map(|executor| &executor.runs).all(|of| of.run_id != run)
        });
        in_queues == 0 && in_hand
    };
    // The checks that follow report the rest.
    let _waited = until("a calm cluster", EMPTY_MAX, is_calm).await;
    broker.close().await;
    Ok(())
}

fn calls_of_run(world: &World<'_>) -> Vec<Arc<CallRecord>> {
    let mut calls = world.gateway.calls(0, usize::MAX);
    let run = world.work.run.to_string();
    calls.retain(|call| call.client_request_id.as_deref().is_some_and(|id| id.starts_with(&run)));
    calls
}

fn distinct(results: &[ResultRecord]) -> u64 {
    results.iter().map(|result| (result.ordinal, result.sample)).collect::<HashSet<_>>().len() as u64
}

fn check_run(row: &mut Row, world: &World<'_>, status: RunStatus, run: &Run, results: &[ResultRecord]) {
    let allowed = world.scenario.allowed;
    if status != allowed.status {
        let why = run.pause_reason.as_deref().map(|why| format!(", paused: {why}")).unwrap_or_default();
        row.broken.push(format!("the run is {status}, not {}{why}", allowed.status));
    }
    // A canceled run has a result for each job that was fed, and none for the others.
    if row.lost > 0 && allowed.status == RunStatus::Canceled && status == RunStatus::Canceled {
        row.lost = 0;
    }
    if row.lost > 0 {
        row.broken.push(format!("{} items have no result", row.lost));
    }
    if row.doubled > 0 {
        row.broken.push(format!("{} items have two results", row.doubled));
    }
    let mut rows: BTreeMap<Outcome, u64> = BTreeMap::new();
    for result in results {
        *rows.entry(result.outcome).or_default() += 1;
    }
    let counted = [
        (Outcome::Succeeded, run.counters.succeeded),
        (Outcome::Refused, run.counters.refused),
        (Outcome::Truncated, run.counters.truncated),
        (Outcome::Failed, run.counters.failed),
        (Outcome::Canceled, run.counters.canceled),
    ];
    for (outcome, counter) in counted {
        let rows = rows.get(&outcome).copied().unwrap_or_default();
        if counter != rows {
            row.broken.push(format!("{counter} {outcome} by the counter, {rows} by the rows"));
        }
    }
    if run.counters.settled != row.results {
        row.broken.push(format!("settled {}, {} rows", run.counters.settled, row.results));
    }
    if run.counters.failed > allowed.failed {
        row.broken.push(format!("{} items failed: {:?}", run.counters.failed, run.messages));
    }
}

fn check_events(row: &mut Row, run: &Run, seen: Option<&Seen>) {
    match seen {
        Some(Seen { fault: Some((wanted, came)), .. }) => {
            row.broken.push(format!("an observer wanted event {wanted} and got {came}"));
        }
        Some(Seen { last, ended: true, .. }) if *last == run.seq => {}
        // The calls that a cancel cut may be written after the run's end, where no observer waits.
        Some(Seen { last, ended: true, .. }) if run.status == RunStatus::Canceled && *last <= run.seq => {}
        Some(Seen { last, .. }) => row.broken.push(format!("an observer saw {last} of {} events", run.seq)),
        None => row.broken.push("an observer did not come to the end of the events".into()),
    }
}

fn check_calls(row: &mut Row, world: &World<'_>, calls: &[Arc<CallRecord>], run: &Run) {
    let (plan, allowed, tally) = (&world.scenario.plan, &world.scenario.allowed, &world.tally);
    let by_job = by_job(calls);
    let counts = |call: &&Arc<CallRecord>| allowed.counting == Counting::All || call.status == 200;
    row.extra =
        by_job.values().map(|calls| calls.iter().filter(counts).count().saturating_sub(1) as u64).sum();
    row.extra_allowed = tally.in_hand;
    if row.extra > row.extra_allowed {
        row.broken.push(format!("{} extra calls, {} allowed", row.extra, row.extra_allowed));
    }
    let (called, booked) = (calls.len() as u64, run.counters.calls);
    if called > booked + tally.unbooked {
        row.broken.push(format!("{called} calls, {booked} in the books, {} may be missing", tally.unbooked));
    }
    row.limit = world.gateway.stats().all.in_flight_max;
    row.limit_allowed = plan.concurrency * plan.executors as u64;
    if row.limit > row.limit_allowed {
        row.broken.push(format!("{} calls at once, {} allowed", row.limit, row.limit_allowed));
    }
    if let Some(after) = tally.canceled_at {
        let late = calls.iter().filter(|call| call.in_us > after.as_microsecond()).count();
        if late > 0 {
            row.broken.push(format!("{late} calls began after the run was canceled"));
        }
    }
    check_retry_after(row, &by_job, allowed.retry_after_seconds);
    if let (Some(within), Some(killed_at)) = (allowed.restarts_within, tally.killed_at) {
        check_restarts(row, &by_job, killed_at, within);
    }
}

/// Calls by job, in the order in which they began. Executors name a call after its job and its attempt.
fn by_job(calls: &[Arc<CallRecord>]) -> HashMap<String, Vec<Arc<CallRecord>>> {
    let mut by_job: HashMap<String, Vec<_>> = HashMap::new();
    for call in calls {
        let id = call.client_request_id.as_deref().unwrap_or_default();
        let job: Vec<&str> = id.split(':').take(3).collect();
        by_job.entry(job.join(":")).or_default().push(call.clone());
    }
    for calls in by_job.values_mut() {
        calls.sort_by_key(|call| call.in_us);
    }
    by_job
}

fn check_retry_after(row: &mut Row, by_job: &HashMap<String, Vec<Arc<CallRecord>>>, seconds: u32) {
    // Clocks of the gateway and of timers differ by less than this.
    let least = (i64::from(seconds) * 1_000 - 100) * 1_000;
    let too_early =
        |pair: &[Arc<CallRecord>]| pair[0].status == 429 && pair[1].in_us - pair[0].out_us < least;
    let early = by_job.values().flat_map(|calls| calls.windows(2)).filter(|pair| too_early(pair)).count();
    if seconds > 0 && early > 0 {
        row.broken.push(format!("{early} calls came before the provider's retry-after of {seconds} s"));
    }
}

/// Checks that the calls of a dead executor began again in time.
fn check_restarts(
    row: &mut Row,
    by_job: &HashMap<String, Vec<Arc<CallRecord>>>,
    killed_at: Timestamp,
    within: f64,
) {
    let killed = killed_at.as_microsecond();
    // The log of an answer may not have been published.
    let interrupted = |pair: &&[Arc<CallRecord>]| pair[0].in_us <= killed && pair[1].in_us > killed;
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a scenario")]
    let waits = by_job
        .values()
        .flat_map(|calls| calls.windows(2))
        .filter(interrupted)
        .map(|pair| (pair[1].in_us - killed) as f64 / 1e6);
    let longest = waits.fold(0.0, f64::max);
    if longest == 0.0 || longest > within {
        row.broken
            .push(format!("jobs of the dead executor began again after {longest:.1} s, not {within} s"));
    }
}

/// Stops the cluster, and checks that nothing is left in its queues. Unacked messages would be in them again.
async fn check_queues(row: &mut Row, world: &mut World<'_>) -> anyhow::Result<()> {
    let broker = world.broker().await?;
    let depth = async |queue| broker.depth(queue).await.ok().flatten().map_or(0, |depth| depth.ready);
    let left = async || {
        let mut left = 0;
        for queue in queues(world) {
            left += depth(queue).await;
        }
        left
    };
    // The rest is reported below.
    let _waited = until("empty queues", EMPTY_MAX, async || left().await == 0).await;
    let stopped = world.stop().await?;
    row.broken.extend(stopped);
    let left = {
        let mut left = Vec::new();
        for queue in queues(world) {
            let ready = depth(queue).await;
            if ready > 0 {
                left.push(format!("{ready} messages in {queue:?}"));
            }
        }
        left
    };
    row.broken.extend(left);
    row.put_aside = depth(Queue::Dead).await;
    if row.put_aside != world.tally.corrupted {
        row.broken.push(format!("{} messages put aside, {} corrupted", row.put_aside, world.tally.corrupted));
    }
    broker.close().await;
    Ok(())
}
