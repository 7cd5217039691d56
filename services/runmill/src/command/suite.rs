//! Runs every combination of a suite side by side, and shows one table of them.

use std::ffi::OsString;

use futures::Stream;
use runmill_proto::api::Run;
use tokio::time::{Duration, sleep};

use crate::{
    cli::RunArgs,
    client::Client,
    command::{
        follow::{Stop, disk_full, go_on, interrupted, judge, stopped, with_services},
        print_json,
    },
    exit::{ExitCode, usage},
    process::Process,
    run::{
        Contact,
        gate::Gate,
        progress_display::ProgressDisplay,
        submit::{Origin, Prepared, Request, Submitted},
        suite::{Suite, SuiteRun},
        summary,
        watch::is_done,
    },
    screen::{Column, FittedTable, note, one_line, print},
    service::standalone::Standalone,
};

/// Interval of looks at the runs.
const POLL_INTERVAL: Duration = Duration::from_millis(300);

const COLUMNS: &[Column] = &[
    Column { title: "dataset", rank: 0, least: Some(12) },
    Column { title: "model", rank: 1, least: Some(12) },
    Column { title: "prompt", rank: 2, least: Some(8) },
    Column { title: "status", rank: 5, least: None },
    Column { title: "items", rank: 6, least: None },
    Column { title: "failed", rank: 4, least: None },
    Column { title: "score", rank: 3, least: None },
    Column { title: "cost", rank: 7, least: None },
    Column { title: "latency", rank: 9, least: None },
    Column { title: "run", rank: 8, least: None },
];

/// A run of the suite that was submitted.
struct Entry {
    of: SuiteRun,
    gate: Gate,
    run: Run,
}

impl Entry {
    fn is_done(&self) -> bool {
        is_done(&self.run, self.of.args.wait_for_key)
    }
}

/// `line` is the whole command line.
pub async fn run(
    process: &Process,
    args: &RunArgs,
    line: &[OsString],
    client: Option<Client>,
    mut signals: impl Stream<Item = ()> + Unpin,
) -> anyhow::Result<ExitCode> {
    let suite = Suite::of(args)?;
    let runs = suite.runs(line)?;
    if runs.iter().any(|run| run.args.estimate || !run.args.out.is_empty()) {
        return usage(
            "a suite, or several models, take no --estimate and no --out; `runmill runs results NAME` has the results of each run",
        );
    }
    if let Some(client) = client {
        let mut entries = submit(process, &client, runs, async |_: &Submitted, _: &Prepared| Ok(())).await?;
        if follow(&client, &mut entries, args.json || args.quiet, interrupted(&mut signals)).await?.is_some()
        {
            note!("interrupted; the runs go on at the server, and their calls cost money");
            return Ok(ExitCode::Interrupted);
        }
        return finish(&client, &entries, args.json).await;
    }
    with_services(process, &mut signals, async |local: &Standalone, signals| {
        here(process, local, runs, args, signals).await
    })
    .await
}

async fn here(
    process: &Process,
    local: &Standalone,
    runs: Vec<SuiteRun>,
    args: &RunArgs,
    mut signals: impl Stream<Item = ()> + Unpin,
) -> anyhow::Result<ExitCode> {
    let client = &local.client;
    let work_on = async |submitted: &Submitted, prepared: &Prepared| {
        let id = submitted.run.id;
        let is_free = local.claim(&prepared.identity.run)?
            && (submitted.origin == Origin::Finished || local.work_on(id).await?);
        if is_free {
            Ok(())
        } else {
            usage(format_args!("another command works on {id}; `runmill runs watch {id}` shows it"))
        }
    };
    let mut entries = submit(process, client, runs, work_on).await?;
    let stop = stopped(local, &mut signals);
    let stopped = follow(client, &mut entries, args.json || args.quiet, stop).await?;
    if matches!(stopped, Some(Stop::Signal)) {
        note!("finishing the calls in flight; interrupt again to drop them");
    }
    local.drain(&mut signals).await;
    match stopped {
        None => {}
        Some(Stop::DiskFull(reason)) => anyhow::bail!(disk_full(&reason)),
        Some(Stop::Signal | Stop::Ended) => {
            note!("interrupted; the same command goes on");
            return Ok(ExitCode::Interrupted);
        }
    }
    finish(client, &entries, args.json).await
}

/// Submits all runs. Their files and settings are checked before the first is.
async fn submit(
    process: &Process,
    client: &Client,
    runs: Vec<SuiteRun>,
    work_on: impl AsyncFn(&Submitted, &Prepared) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<Entry>> {
    let mut ready = Vec::with_capacity(runs.len());
    for run in runs {
        let gate = Gate::new(client, &run.args.gate).await?;
        let request = Request::from_args(&run.args, process)?;
        let items = request.read_items(&run.args, None)?;
        ready.push((request.prepare(client, items).await?, gate, run));
    }
    let mut entries = Vec::with_capacity(ready.len());
    for (prepared, gate, of) in ready {
        let submitted = prepared.submit(client, of.args.again).await?;
        work_on(&submitted, &prepared).await?;
        if let Some(kept) = &submitted.kept {
            note!("{}: {kept}", submitted.run.id);
        }
        let run = go_on(client, submitted.run).await?;
        entries.push(Entry { of, gate, run });
    }
    Ok(entries)
}

/// Shows the progress of all runs until they have ended or are paused, or until `stop` ends. Returns what `stop` returns, then.
async fn follow<S>(
    client: &Client,
    entries: &mut [Entry],
    quiet: bool,
    stop: impl Future<Output = S>,
) -> anyhow::Result<Option<S>> {
    let mut progress = ProgressDisplay::new(quiet);
    let mut contact = Contact::default();
    let ended = async {
        loop {
            for entry in entries.iter_mut().filter(|entry| !entry.is_done()) {
                let told = match client.run(entry.run.id).await {
                    Ok(run) => {
                        entry.run = run;
                        contact.answered()
                    }
                    Err(error) => contact.failed(error)?,
                };
                if let Some(text) = told {
                    progress.print(&text);
                }
            }
            let over = entries.iter().filter(|entry| entry.is_done()).count();
            let counters = entries.iter().map(|entry| entry.run.counters);
            let (settled, total) =
                counters.fold((0, 0), |(settled, total), run| (settled + run.settled, total + run.total));
            progress.show_sum(settled, total, format!("{over} of {} runs", entries.len()));
            if over == entries.len() {
                return anyhow::Ok(());
            }
            sleep(POLL_INTERVAL).await;
        }
    };
    let stopped = tokio::select! {
        ended = ended => ended.map(|()| None),
        stopped = stop => Ok(Some(stopped)),
    };
    progress.finish();
    stopped
}

/// Prints the table. Returns the worst of the runs' exit codes.
async fn finish(client: &Client, entries: &[Entry], json: bool) -> anyhow::Result<ExitCode> {
    if json {
        print_json(&entries.iter().map(|entry| &entry.run).collect::<Vec<_>>())?;
    } else {
        let mut table = FittedTable::new(COLUMNS);
        for entry in entries {
            table.add(cells(entry));
        }
        print(table.for_stdout())?;
    }
    let mut worst = ExitCode::Completed;
    for entry in entries {
        let run = &entry.run;
        if run.pause_reason.is_some() && !run.status.is_terminal() {
            note!("{}: {}", run.id, summary::status(run));
        }
        worst = worst.worse(judge(client, run, &entry.gate).await?);
    }
    Ok(worst)
}

fn cells(Entry { of, run, .. }: &Entry) -> [String; COLUMNS.len()] {
    [
        one_line(&of.dataset),
        one_line(&of.model),
        one_line(&of.prompt),
        summary::status_word(run),
        format!("{}/{}", run.counters.settled, run.counters.total),
        run.counters.failed.to_string(),
        summary::short_score(&run.score),
        run.cost_usd.map(|cost| format!("${cost:.4}")).unwrap_or_default(),
        run.latency.p50_ms.map(|p50| format!("{p50} ms")).unwrap_or_default(),
        run.id.to_string(),
    ]
}
