//! Work on one run from its submission to its end, and what is said about it.

use std::path::PathBuf;

use anyhow::Context;
use futures::{Stream, StreamExt, stream};
use runmill_proto::{RunStatus, api::Run};
use tokio::time::Instant;

use crate::{
    client::Client,
    command::print_json,
    exit::{ExitCode, print_error, usage},
    process::Process,
    results::{self, ResultsFile},
    run::{
        gate::Gate,
        others,
        submit::{Origin, Submitted},
        summary,
        waiting::{items, waits_for_key},
        watch::{WatchOptions, Watched, watch},
    },
    screen::{PrintError, note, print},
    service::standalone::{Services, Standalone},
};

/// Output after a run: its summary, the places for its results, and its exit code.
pub struct Output {
    json: bool,
    watch: WatchOptions,
    results: Vec<ResultsFile>,
    gate: Gate,
    /// False if nothing of the run stays after the command.
    is_kept: bool,
}

impl Output {
    /// Opens the places of the results, so that nothing is paid if they cannot be written.
    pub fn open(json: bool, out: &[PathBuf]) -> anyhow::Result<Self> {
        let results =
            out.iter().map(|path| ResultsFile::open(path, None)).collect::<anyhow::Result<Vec<_>>>()?;
        let printed = results.iter().filter(|results| results.is_standard_output()).count();
        if json && printed > 0 {
            return usage("--json and `--out -` would both print to standard output");
        }
        if printed > 1 {
            return usage("`--out -` is given twice");
        }
        let watch = WatchOptions { quiet: json, ..WatchOptions::default() };
        Ok(Self { json, watch, results, gate: Gate::default(), is_kept: true })
    }

    /// Output of a run that is kept nowhere.
    pub fn of_unkept_run() -> Self {
        Self {
            json: false,
            watch: WatchOptions::default(),
            results: Vec::new(),
            gate: Gate::default(),
            is_kept: false,
        }
    }

    /// Watches the run so. What is printed as JSON comes without progress.
    pub fn watched(self, watch: WatchOptions) -> Self {
        let quiet = self.watch.quiet || watch.quiet;
        Self { watch: WatchOptions { quiet, ..watch }, ..self }
    }

    /// Judges the run by what it must reach.
    pub fn judged_by(self, gate: Gate) -> Self {
        Self { gate, ..self }
    }

    /// Prints the summary of a run, which is at `url`: to standard error if the results are on standard output.
    fn print_summary(&self, run: &Run, watched: &Watching, url: &str) -> anyhow::Result<()> {
        let table = || summary::table(run, Some(watched.rate(run)));
        if self.json {
            return print_json(run);
        }
        if self.results.iter().any(ResultsFile::is_standard_output) {
            note!("{}", table());
        } else {
            print(table())?;
        }
        if !self.is_kept {
            note!("this run is kept nowhere; `runmill run` keeps its runs");
        } else if self.results.is_empty() && run.counters.settled > 0 {
            let id = run.id;
            note!("`runmill runs results {id}` shows the answers, and with --wrong those that are wrong");
            note!("{}", in_browser(run, watched.place, url));
        }
        Ok(())
    }
}

/// Says where a browser shows a run.
fn in_browser(run: &Run, place: Place, url: &str) -> String {
    match place {
        Place::Server => format!("{url}/ui/runs/{} shows it in a browser", run.id),
        Place::Here => "`runmill view` shows it in a browser".to_owned(),
    }
}

/// Place where a run makes progress.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Server,
    /// This process.
    Here,
}

/// State of a run when the command began to watch it.
struct Watching {
    settled: u64,
    start: Instant,
    missing_key: Option<String>,
    place: Place,
}

impl Watching {
    fn of(run: &Run, missing_key: Option<String>, place: Place) -> Self {
        Self { settled: run.counters.settled, start: Instant::now(), missing_key, place }
    }

    fn rate(&self, run: &Run) -> (u64, std::time::Duration) {
        (run.counters.settled.saturating_sub(self.settled), self.start.elapsed())
    }
}

/// Reason for which a command stops to watch its runs.
pub enum Stop {
    Signal,
    /// A service of this process has ended by itself.
    Ended,
    /// The disk is full, with the file and the reason.
    DiskFull(String),
}

/// Follows a run of a server. A signal ends the command, and the run goes on.
pub async fn follow_at_server(
    client: &Client,
    submitted: Submitted,
    output: Output,
    signals: &mut (impl Stream<Item = ()> + Unpin),
) -> anyhow::Result<ExitCode> {
    let run = go_on(client, submitted.run).await?;
    announce(&run, submitted.origin, submitted.kept.as_deref());
    let watching = Watching::of(&run, submitted.missing_key, Place::Server);
    match watch(client, run.id, output.watch, interrupted(signals)).await? {
        Watched::Ended(run) => finish(client, &run, output, &watching).await,
        Watched::Stopped(()) => {
            let (id, url) = (run.id, client.base_url());
            note!("interrupted; the run goes on at the server, and its calls cost money");
            note!(
                "`runmill runs watch {id} --server {url}` shows it, and `runmill runs cancel {id} --server {url}` ends it"
            );
            // The server may be away.
            if let Err(error) = write_results(client, &run, output).await {
                print_error(&error);
            }
            Ok(ExitCode::Interrupted)
        }
    }
}

/// Works in this process on the run that `begin` returns, and on no other. A signal ends the command once the calls in
/// flight have ended.
pub async fn follow_here(
    process: &Process,
    output: Output,
    mut signals: impl Stream<Item = ()> + Unpin,
    begin: impl AsyncFnOnce(&Standalone) -> anyhow::Result<(Submitted, Gate)>,
) -> anyhow::Result<ExitCode> {
    with_services(process, &mut signals, async |local: &Standalone, signals| {
        work(local, output, signals, begin).await
    })
    .await
}

/// Starts all services for a command that works on runs of the data directory, and stops them after it.
pub async fn with_services<S: Stream<Item = ()> + Unpin>(
    process: &Process,
    signals: &mut S,
    work: impl AsyncFnOnce(&Standalone, &mut S) -> anyhow::Result<ExitCode>,
) -> anyhow::Result<ExitCode> {
    std::fs::create_dir_all(&process.config.data_dir)
        .with_context(|| format!("creating {}", process.config.data_dir.display()))?;
    process.log_to_file(&process.config.data_dir)?;
    let local = Standalone::for_command(process, Services::All).await?;
    let ended = work(&local, signals).await;
    let stopped = local.stop(stream::poll_fn(|context| signals.poll_next_unpin(context))).await;
    let code = ended?;
    stopped.map(|_| code)
}

async fn work(
    local: &Standalone,
    output: Output,
    mut signals: impl Stream<Item = ()> + Unpin,
    begin: impl AsyncFnOnce(&Standalone) -> anyhow::Result<(Submitted, Gate)>,
) -> anyhow::Result<ExitCode> {
    let (submitted, gate) = begin(local).await?;
    let output = output.judged_by(gate);
    let (client, id) = (&local.client, submitted.run.id);
    let is_finished = submitted.origin == Origin::Finished;
    if !is_finished && !local.work_on(id).await? {
        return usage(format_args!("another command works on {id}; `runmill runs watch {id}` shows it"));
    }
    let run = go_on(client, submitted.run).await?;
    announce(&run, submitted.origin, submitted.kept.as_deref());
    if let Some(text) = others::waiting(local, client, &run).await? {
        note!("{text}");
    }
    let watching = Watching::of(&run, submitted.missing_key, Place::Here);
    let stop = stopped(local, &mut signals);
    let stop = match watch(client, id, output.watch, stop).await? {
        Watched::Ended(run) => {
            local.drain(&mut signals).await;
            return finish(client, &run, output, &watching).await;
        }
        Watched::Stopped(stop) => stop,
    };
    if matches!(stop, Stop::Signal) {
        note!("finishing the calls in flight; interrupt again to drop them");
    }
    local.drain(&mut signals).await;
    let written = write_results(client, &run, output).await;
    match stop {
        Stop::DiskFull(reason) => {
            anyhow::bail!("{}, and so does `runmill runs resume {id}`", disk_full(&reason))
        }
        Stop::Signal | Stop::Ended => {
            note!("interrupted; the same command resumes the run, and so does `runmill runs resume {id}`");
            written?;
            Ok(ExitCode::Interrupted)
        }
    }
}

/// Says that the disk is full, and how to go on.
pub fn disk_full(reason: &str) -> String {
    format!(
        "the disk is full: {reason}; no further calls are made. With free space, the same command goes on"
    )
}

/// Waits until the command must stop.
pub async fn stopped(local: &Standalone, signals: &mut (impl Stream<Item = ()> + Unpin)) -> Stop {
    tokio::select! {
        full = local.ended() => full.map_or(Stop::Ended, Stop::DiskFull),
        () = interrupted(signals) => Stop::Signal,
    }
}

/// Waits for a signal.
pub async fn interrupted(signals: &mut (impl Stream<Item = ()> + Unpin)) {
    if signals.next().await.is_none() {
        std::future::pending::<()>().await;
    }
}

/// Resumes the run if it is paused.
pub async fn go_on(client: &Client, run: Run) -> anyhow::Result<Run> {
    Ok(if run.paused_at.is_some() && !run.status.is_terminal() {
        client.steer(run.id, "resume").await?
    } else {
        run
    })
}

/// Writes the results of a run that has ended or is paused, and prints its summary.
async fn finish(client: &Client, run: &Run, output: Output, watching: &Watching) -> anyhow::Result<ExitCode> {
    let printed = output.print_summary(run, watching, client.base_url());
    let is_paused = run.pause_reason.is_some() && !run.status.is_terminal();
    if is_paused {
        note!("{}", after_pause(run, output.json, watching, client.base_url()));
    }
    let gate = output.gate.clone();
    write_results(client, run, output).await?;
    // A reader that has gone does not make the run a failure.
    match printed {
        Err(error) if !matches!(error.downcast_ref(), Some(PrintError::Closed)) => Err(error),
        _ => judge(client, run, &gate).await,
    }
}

/// Says what the run misses. Returns the exit code.
pub async fn judge(client: &Client, run: &Run, gate: &Gate) -> anyhow::Result<ExitCode> {
    let code = exit_code(run);
    if code == ExitCode::Failed {
        if run.status == RunStatus::Completed {
            let (id, failed) = (run.id, run.counters.failed);
            let why = if failed > 0 { "all items failed" } else { "no answer could be scored" };
            note!("{id}: {why}");
        }
        return Ok(code);
    }
    let missed = gate.missed(client, run).await?;
    for missed in &missed {
        note!("gate missed: {missed}");
    }
    Ok(match code {
        _ if !missed.is_empty() => ExitCode::GateMissed,
        ExitCode::SomeFailed if gate.allows_failures() => ExitCode::Completed,
        code => code,
    })
}

/// Writes the results that the run has, and names the files that have only a part of them.
async fn write_results(client: &Client, run: &Run, output: Output) -> anyhow::Result<()> {
    for file in output.results {
        tell_part(file.export(client, run, &results::everything(), run.status.is_terminal()).await?);
    }
    Ok(())
}

fn tell_part(part: Option<PathBuf>) {
    if let Some(part) = part {
        note!("the results so far are in {}", part.display());
    }
}

/// Returns the actions that are possible after a pause. The reason is named unless the summary shows it.
fn after_pause(run: &Run, json: bool, watching: &Watching, url: &str) -> String {
    let state = if json { summary::status(run) } else { "paused".to_owned() };
    let missing_key = watching.missing_key.as_ref().filter(|_| waits_for_key(run));
    let key = missing_key.map(|text| format!("\n{text}")).unwrap_or_default();
    let place = if watching.place == Place::Server { format!(" --server {url}") } else { String::new() };
    let id = run.id;
    format!(
        "the run is {state}{key}\nto go on, correct the cause and run the command again, or \
         `runmill runs resume {id}{place}`"
    )
}

fn announce(run: &Run, origin: Origin, kept: Option<&str>) {
    let (id, settled, total) = (run.id, run.counters.settled, run.counters.total);
    match origin {
        Origin::New => note!("{id}: {}", items(total)),
        Origin::Unfinished => note!("resuming {id}: {settled} of {total} settled"),
        Origin::Finished => {
            let time = run.created_at.strftime("%Y-%m-%d %H:%M");
            note!("the same command made {id} ({time} UTC): no model is called; --again calls it again");
            if run.counters.failed > 0 {
                note!(
                    "`runmill runs retry-failed {id}` tries again the {} that failed",
                    items(run.counters.failed)
                );
            }
        }
    }
    if let Some(kept) = kept {
        note!("{kept}");
    }
}

/// Returns the exit code of a run, whatever it must reach. Without any score, or any item that did not fail, it is a failure.
fn exit_code(run: &Run) -> ExitCode {
    let failed = run.counters.failed;
    let all_failed = failed > 0 && failed == run.counters.settled;
    // Answers without a reference are not among the unscored ones.
    let none_scored = run.score.scored == 0 && !run.unscored.is_empty();
    match run.status {
        RunStatus::Completed if all_failed || none_scored => ExitCode::Failed,
        RunStatus::Completed if failed > 0 => ExitCode::SomeFailed,
        RunStatus::Completed => ExitCode::Completed,
        _ => ExitCode::Failed,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use runmill_proto::{ScoreSummary, api::RunCounters};

    use super::*;
    use crate::run::testing;

    #[test]
    fn a_missing_key_is_told_after_a_refusal_of_the_key_alone() {
        let paused = |reason: &str| Run {
            status: RunStatus::Running,
            pause_reason: Some(reason.to_owned()),
            ..testing::run()
        };
        let refused = paused("the provider refuses the key: no");
        let watching = Watching::of(&refused, Some("KEY is not set".to_owned()), Place::Server);
        let told = |run: &Run| after_pause(run, false, &watching, "http://x:1");
        assert!(told(&refused).contains("\nKEY is not set\n"), "{}", told(&refused));
        let away = told(&paused("could not reach the provider"));
        assert!(!away.contains("KEY"), "{away}");
        assert!(
            away.ends_with(&format!("`runmill runs resume {} --server http://x:1`", refused.id)),
            "{away}"
        );
    }

    #[test]
    fn the_exit_code_tells_failures_and_runs_without_any_score() {
        let counters = RunCounters { settled: 2, succeeded: 2, ..RunCounters::default() };
        let one_failed = RunCounters { failed: 1, ..counters };
        let all_failed = RunCounters { failed: 2, ..counters };
        let unreferenced = Run { counters, ..testing::run() };
        let unscored = BTreeMap::from([("the answer is empty".to_owned(), 2)]);
        let empty = Run { unscored, ..unreferenced.clone() };
        let score = ScoreSummary { scored: 1, ..empty.score };
        let table = [
            (unreferenced.clone(), ExitCode::Completed),
            (empty.clone(), ExitCode::Failed),
            (Run { score, ..empty.clone() }, ExitCode::Completed),
            (Run { counters: one_failed, ..unreferenced.clone() }, ExitCode::SomeFailed),
            (Run { counters: all_failed, ..unreferenced }, ExitCode::Failed),
            (Run { status: RunStatus::Running, ..empty }, ExitCode::Failed),
        ];
        for (run, want) in table {
            assert_eq!(exit_code(&run), want, "{run:?}");
        }
    }
}
