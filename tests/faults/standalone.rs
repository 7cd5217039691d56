//! One process without servers: it dies, its terminal goes, its disk is full, its pipe is closed.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, ensure};
use runmill_gateway::{Gateway, GatewaySettings};
use runmill_proto::api::{ResultRecord, Run};
use tokio::process::{Child, Command};

use crate::{checker::Row, drive::logs_of, items::items, servers::Disk, waiting::until};

const PROGRAM: &str = env!("CARGO_BIN_EXE_runmill");
const ITEMS: usize = 400;
const CONCURRENCY: u64 = 20;
const MODEL: &str = "lorem+ttft=200ms";
/// Maximum number of jobs that are fed and have no result: the feeder's window, twice the concurrency.
const WINDOW: u64 = 2 * CONCURRENCY;
const END_MAX: Duration = Duration::from_mins(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Kill,
    HangUp,
    Interrupt,
    /// The command is interrupted together with the reader of its output.
    ClosedPipe,
    /// The disk of the data directory is full for the rest of the command.
    FullDisk,
}

/// A command in a data directory, and its model.
struct Bench {
    gateway: Gateway,
    folder: PathBuf,
    dataset: PathBuf,
    out: PathBuf,
    logs: PathBuf,
}

/// Starts a run, lets the fault happen in its middle, and resumes it with the same command.
pub async fn run(name: &str, fault: Fault) -> anyhow::Result<Row> {
    let logs = logs_of(name)?;
    let disk = if fault == Fault::FullDisk { Some(Disk::mount(40)?) } else { None };
    let own = tempfile::tempdir()?;
    let folder = disk.as_ref().map_or(own.path(), |disk| disk.folder.path()).join("data");
    let (dataset, out) = (own.path().join("items.jsonl"), own.path().join("results.jsonl"));
    std::fs::write(&dataset, items(ITEMS, 0))?;
    let settings = GatewaySettings { calls_kept_max: 100_000, ..GatewaySettings::default() };
    let bench = Bench { gateway: Gateway::start(settings).await?, folder, dataset, out, logs };
    let mut row = Row { scenario: name.to_owned(), items: ITEMS as u64, ..Row::default() };

    let mut first = bench.start("first", fault == Fault::ClosedPipe)?;
    let half = ITEMS as u64 / 2;
    until("half of the calls", END_MAX, async || bench.gateway.stats().all.calls >= half).await?;
    let in_flight = happen(fault, &mut first, &bench, disk.as_ref(), &mut row).await?;
    if let Some(disk) = &disk {
        disk.empty()?;
    }
    let run = bench.resume().await?;
    bench.check(&mut row, &run, in_flight)?;
    Ok(row)
}

/// Lets the fault happen and waits for the end of the process. Returns the number of calls that may be repeated.
async fn happen(
    fault: Fault,
    process: &mut Child,
    bench: &Bench,
    disk: Option<&Disk>,
    row: &mut Row,
) -> anyhow::Result<u64> {
    let mut allowed = 0;
    match fault {
        Fault::Kill => {
            process.kill().await?;
            allowed = WINDOW;
        }
        Fault::HangUp => signal(process, "HUP").await?,
        Fault::Interrupt => signal(process, "INT").await?,
        // An interrupt ends `tee` before the command, which then has nobody to say anything to.
        Fault::ClosedPipe => {
            drop((process.stdout.take(), process.stderr.take()));
            signal(process, "INT").await?;
        }
        Fault::FullDisk => {
            disk.context("the scenario has a disk")?.fill();
            // Calls that were in flight are paid; no further ones may begin once nothing can be kept.
            allowed = WINDOW;
        }
    }
    let ended = tokio::time::timeout(END_MAX, process.wait()).await;
    let Ok(status) = ended else {
        row.broken.push("the process did not end after the fault".into());
        process.kill().await?;
        return Ok(allowed);
    };
    let status = status?;
    if fault != Fault::Kill && status.code().is_none() {
        row.broken.push(format!("the process ended without a drain: {status}"));
    }
    let quiet = async || bench.gateway.stats().all.in_flight == 0;
    until("the end of all calls", END_MAX, quiet).await?;
    Ok(allowed)
}

async fn signal(process: &Child, name: &str) -> anyhow::Result<()> {
    let pid = process.id().context("the process still runs")?;
    let sent = Command::new("kill").args(["-s", name, &pid.to_string()]).status().await?;
    ensure!(sent.success(), "SIG{name}");
    Ok(())
}

impl Bench {
    fn command(&self, log: &str) -> anyhow::Result<Command> {
        let mut command = Command::new(PROGRAM);
        let concurrency = CONCURRENCY.to_string();
        command.arg("run").arg(&self.dataset).args([
            "--base-url",
            &self.gateway.base_url(),
            "--model",
            MODEL,
        ]);
        command.args(["--concurrency", &concurrency, "--json", "--out"]).arg(&self.out);
        let log = std::fs::File::create(self.logs.join(format!("{log}.log")))?;
        command.env_clear().env("RUNMILL_DATA_DIR", &self.folder).env("APP_LOG_LEVEL", "info");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
        Ok(command)
    }

    /// Starts the run; with pipes, its output and its log go there.
    fn start(&self, log: &str, piped: bool) -> anyhow::Result<Child> {
        let mut command = self.command(log)?;
        if piped {
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
        }
        command.spawn().context(PROGRAM)
    }

    /// Runs the same command to its end.
    async fn resume(&self) -> anyhow::Result<Run> {
        let mut command = self.command("resumed")?;
        command.stdout(Stdio::piped());
        let output = tokio::time::timeout(END_MAX, command.output()).await.context("the resumed run")??;
        serde_json::from_slice(&output.stdout).with_context(|| {
            format!("the resumed run ended with {}: see {}", output.status, self.logs.display())
        })
    }

    fn check(&self, row: &mut Row, run: &Run, allowed: u64) -> anyhow::Result<()> {
        let results = read(&self.out)?;
        let ordinals: std::collections::HashSet<_> = results.iter().map(|result| result.ordinal).collect();
        row.results = results.len() as u64;
        row.doubled = row.results - ordinals.len() as u64;
        row.lost = row.items.saturating_sub(ordinals.len() as u64);
        let calls = self.gateway.stats().all;
        row.extra = calls.calls.saturating_sub(row.items);
        row.extra_allowed = allowed;
        row.limit = calls.in_flight_max;
        row.limit_allowed = CONCURRENCY;
        row.recovery = Some(0.0);
        let broken = [
            (row.lost > 0, "items have no result"),
            (row.doubled > 0, "items have two results"),
            (row.extra > allowed, "too many extra calls"),
            (row.limit > row.limit_allowed, "too many calls at once"),
            (run.counters.settled != row.results, "the counters do not equal the rows"),
            (calls.calls > run.counters.calls + allowed, "calls are not in the books"),
        ];
        row.broken.extend(broken.iter().filter(|(broken, _)| *broken).map(|(_, text)| (*text).to_owned()));
        Ok(())
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<ResultRecord>> {
    let text = std::fs::read_to_string(path)?;
    text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}
