//! Work on one run from its submission to its end, and what is said about it.

use std::path::{Path, PathBuf};

use anyhow::Context;
use futures::{Stream, StreamExt, stream};
use runmill_proto::{ErrorKind, RunStatus, api::Run};
use tokio::time::Instant;

use crate::{
    client::Client,
    command::print_json,
    exit::{ExitCode, print_error, usage},
    process::Process,
    run::{
        others,
        results_file::ResultsFile,
        submit::Submitted,
        summary,
        waiting::items,
        watch::{Watched, watch},
    },
    screen::{PrintError, note, print},
    service::standalone::{Services, Standalone},
};

/// Output after a run: its summary, and a place for its results.
pub struct Output {
    json: bool,
    results: Option<ResultsFile>,
}

impl Output {
    /// Opens the place of the results, so that nothing is paid if they cannot be written.
    pub fn open(json: bool, out: Option<&Path>) -> anyhow::Result<Self> {
        let results = out.map(ResultsFile::open).transpose()?;
        if json && results.as_ref().is_some_and(ResultsFile::is_standard_output) {
            return usage("--json and `--out -` would both print to standard output");
        }
        Ok(Self { json, results })
    }

    /// Prints the summary of a run: to standard error if the results are on standard output.
    fn print_summary(&self, run: &Run, watched: &Watching) -> anyhow::Result<()> {
        let table = || summary::table(run, Some(watched.rate(run)));
        if self.json {
            return print_json(run);
        }
        match &self.results {
            Some(results) if results.is_standard_output() => note!("{}", table()),
            _ => print(table())?,
        }
        Ok(())
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

/// Why a command stops to watch its run.
enum Stop {
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
    announce(&run, submitted.resumed, submitted.kept.as_deref());
    let watching = Watching::of(&run, submitted.missing_key, Place::Server);
    match watch(client, run.id, output.json, interrupted(signals)).await? {
        Watched::Ended(run) => finish(client, &run, output, &watching).await,
        Watched::Stopped(()) => {
            let (id, url) = (run.id, client.base_url());
            note!("interrupted; the run goes on at the server, and its calls cost money");
            note!(
                "`runmill runs watch {id} --server {url}` shows it, and `runmill runs cancel {id} --server {url}` ends it"
            );
            // The server may be away.
            match write_results(client, &run, output).await {
                Ok(part) => tell_part(part),
                Err(error) => {
                    print_error(&error);
                }
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
    begin: impl AsyncFnOnce(&Standalone) -> anyhow::Result<Submitted>,
) -> anyhow::Result<ExitCode> {
    std::fs::create_dir_all(&process.config.data_dir)
        .with_context(|| format!("creating {}", process.config.data_dir.display()))?;
    process.log_to_file(&process.config.data_dir)?;
    let local = Standalone::for_command(process, Services::All).await?;
    let ended = work(&local, output, &mut signals, begin).await;
    let stopped = local.stop(stream::poll_fn(|context| signals.poll_next_unpin(context))).await;
    let code = ended?;
    stopped.map(|_| code)
}

async fn work(
    local: &Standalone,
    output: Output,
    mut signals: impl Stream<Item = ()> + Unpin,
    begin: impl AsyncFnOnce(&Standalone) -> anyhow::Result<Submitted>,
) -> anyhow::Result<ExitCode> {
    let submitted = begin(local).await?;
    let (client, id) = (&local.client, submitted.run.id);
    if !local.work_on(id).await? {
        return usage(format_args!("another command works on {id}; `runmill runs watch {id}` shows it"));
    }
    let run = go_on(client, submitted.run).await?;
    announce(&run, submitted.resumed, submitted.kept.as_deref());
    if let Some(text) = others::waiting(local, client, &run).await? {
        note!("{text}");
    }
    let watching = Watching::of(&run, submitted.missing_key, Place::Here);
    let stop = async {
        tokio::select! {
            full = local.ended() => full.map_or(Stop::Ended, Stop::DiskFull),
            () = interrupted(&mut signals) => Stop::Signal,
        }
    };
    let stop = match watch(client, id, output.json, stop).await? {
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
    let part = write_results(client, &run, output).await;
    match stop {
        Stop::DiskFull(reason) => anyhow::bail!(
            "the disk is full: {reason}; no further calls are made. With free space, `runmill runs resume {id}` goes on"
        ),
        Stop::Signal | Stop::Ended => {
            note!("interrupted; the same command resumes the run, and so does `runmill runs resume {id}`");
            tell_part(part?);
            Ok(ExitCode::Interrupted)
        }
    }
}

/// Waits for a signal.
async fn interrupted(signals: &mut (impl Stream<Item = ()> + Unpin)) {
    if signals.next().await.is_none() {
        std::future::pending::<()>().await;
    }
}

/// Resumes the run if it is paused.
async fn go_on(client: &Client, run: Run) -> anyhow::Result<Run> {
    Ok(if run.paused_at.is_some() { client.steer(run.id, "resume").await? } else { run })
}

/// Writes the results of a run that has ended or is paused, and prints its summary.
async fn finish(
    client: &Client,
    run: &Run,
    mut output: Output,
    watching: &Watching,
) -> anyhow::Result<ExitCode> {
    let printed = output.print_summary(run, watching);
    let is_paused = run.pause_reason.is_some() && !run.status.is_terminal();
    if is_paused {
        note!("{}", after_pause(run, output.json, watching, client.base_url()));
    }
    let results = output.results.take();
    tell_part(write_to(client, run, results).await?);
    // A reader that has gone does not make the run a failure.
    match printed {
        Err(error) if !matches!(error.downcast_ref(), Some(PrintError::Closed)) => Err(error),
        _ => Ok(exit_code(run)),
    }
}

async fn write_results(client: &Client, run: &Run, output: Output) -> anyhow::Result<Option<PathBuf>> {
    write_to(client, run, output.results).await
}

/// Writes the results that the run has. Returns the file if it has only a part of them.
async fn write_to(
    client: &Client,
    run: &Run,
    results: Option<ResultsFile>,
) -> anyhow::Result<Option<PathBuf>> {
    match results {
        Some(results) => results.write(client, run.id, run.status.is_terminal()).await,
        None => Ok(None),
    }
}

fn tell_part(part: Option<PathBuf>) {
    if let Some(part) = part {
        note!("the results so far are in {}", part.display());
    }
}

/// Returns the actions that are possible after a pause. The reason is named unless the summary shows it.
fn after_pause(run: &Run, json: bool, watching: &Watching, url: &str) -> String {
    let state = if json { summary::status(run) } else { "paused".to_owned() };
    let missing_key = watching.missing_key.as_ref().filter(|_| is_key_refused(run));
    let key = missing_key.map(|text| format!("\n{text}")).unwrap_or_default();
    let place = if watching.place == Place::Server { format!(" --server {url}") } else { String::new() };
    let id = run.id;
    format!(
        "the run is {state}{key}\nto go on, correct the cause and run the command again, or \
         `runmill runs resume {id}{place}`"
    )
}

/// Returns true if the provider refused a call for its key. A missing key is no cause of other pauses.
fn is_key_refused(run: &Run) -> bool {
    let reason = run.pause_reason.as_deref().unwrap_or_default();
    run.errors.contains_key(&ErrorKind::Authentication) || reason.contains("refuses the key")
}

fn announce(run: &Run, resumed: bool, kept: Option<&str>) {
    let (settled, total) = (run.counters.settled, run.counters.total);
    if resumed {
        note!("resuming {}: {settled} of {total} settled", run.id);
    } else {
        note!("{}: {}", run.id, items(total));
    }
    if let Some(kept) = kept {
        note!("{kept}");
    }
}

/// Returns success for a completed run, even if some of its jobs failed or have no score, but not if all of them did.
fn exit_code(run: &Run) -> ExitCode {
    let all_failed = run.counters.failed > 0 && run.counters.failed == run.counters.settled;
    // Answers without a reference are not among the unscored ones.
    let none_scored = run.score.scored == 0 && !run.unscored.is_empty();
    let is_good = run.status == RunStatus::Completed && !all_failed && !none_scored;
    if is_good { ExitCode::Completed } else { ExitCode::Failed }
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
    fn a_run_without_any_score_is_no_success_if_there_was_something_to_score() {
        let counters = RunCounters { settled: 2, succeeded: 2, ..RunCounters::default() };
        let unreferenced = Run { counters, ..testing::run() };
        let unscored = BTreeMap::from([("the answer is empty".to_owned(), 2)]);
        let empty = Run { unscored, ..unreferenced.clone() };
        let score = ScoreSummary { scored: 1, ..empty.score };
        let table = [
            (unreferenced, ExitCode::Completed),
            (empty.clone(), ExitCode::Failed),
            (Run { score, ..empty.clone() }, ExitCode::Completed),
            (Run { status: RunStatus::Running, ..empty }, ExitCode::Failed),
        ];
        for (run, want) in table {
            assert_eq!(exit_code(&run), want, "{run:?}");
        }
    }
}
