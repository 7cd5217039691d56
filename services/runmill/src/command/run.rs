use std::{path::Path, sync::Arc};

use anyhow::Context;
use futures::{Stream, StreamExt, stream};
use runmill_pricing::PriceTable;
use runmill_proto::{RunStatus, api::Run};
use runmill_runtime::stop_signals;
use tokio::{fs::File, io::AsyncWriteExt, time::Instant};

use crate::{
    cli::RunArgs,
    client::Client,
    command::{print_json, smoke_test::ask},
    exit::{ExitCode, UsageError},
    process::Process,
    run::{
        connect,
        dataset::Items,
        estimate::{Assumptions, estimate},
        smoke_test,
        submit::{Request, Submitted},
        summary,
        watch::{Watched, watch},
    },
    service::standalone::{Services, Standalone},
};

/// Output before a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preview {
    Nothing,
    /// The report of a smoke test, and an estimate of the run from the answer of the smoke test.
    SmokeTestAndEstimate,
}

/// Output after a run: its summary on standard output, and a file for its results.
pub struct Output<'a> {
    pub json: bool,
    pub out: Option<&'a Path>,
    /// True if a server has the run, so that other commands can change it.
    pub at_server: bool,
}

pub async fn run(args: Box<RunArgs>) -> anyhow::Result<ExitCode> {
    let mut process = Process::load()?;
    if let Some(path) = &args.prices {
        process.config.prices = read_prices(path)?;
    }
    let mut items = Items::read(&args.dataset, args.map.as_deref(), args.limit)?;
    let request = Request::from_args(&args, &process)?;
    if args.estimate {
        return print_estimate(&process, &args, &request, &mut items).await;
    }
    let at_server = args.server.server.is_some();
    let output = Output { json: args.json, out: args.out.as_deref(), at_server };
    let mut signals = stop_signals()?;
    if let Some(client) = connect(&process, &args.server)? {
        let submitted = request.submit(&client, items).await?;
        return follow(&client, submitted, &output, interrupted(&mut signals)).await;
    }
    run_standalone(&process, &request, items, &output, Preview::Nothing, signals).await
}

fn read_prices(path: &Path) -> anyhow::Result<Arc<PriceTable>> {
    let table = runmill_config::read_prices(path)
        .map_err(|fault| UsageError::new(format_args!("--prices {}: {fault}", path.display())))?;
    Ok(Arc::new(table))
}

/// Prints the estimate of a run, and submits nothing.
async fn print_estimate(
    process: &Process,
    args: &RunArgs,
    request: &Request,
    items: &mut Items,
) -> anyhow::Result<ExitCode> {
    let client = connect(process, &args.server)?;
    let assumptions =
        Assumptions { seconds_per_call: args.seconds_per_call, answer_tokens: args.answer_tokens };
    let estimate = estimate(process, client.as_ref(), request, items, &assumptions).await?;
    if args.json {
        print_json(&estimate.to_json())?;
    } else {
        println!("{}", estimate.table());
    }
    Ok(ExitCode::Completed)
}

/// Runs with all services in this process.
pub async fn run_standalone(
    process: &Process,
    request: &Request,
    mut items: Items,
    output: &Output<'_>,
    preview: Preview,
    mut signals: impl Stream<Item = ()> + Unpin,
) -> anyhow::Result<ExitCode> {
    std::fs::create_dir_all(&process.config.data_dir)
        .with_context(|| format!("creating {}", process.config.data_dir.display()))?;
    process.log_to_file(&process.config.data_dir)?;
    let local = Standalone::for_command(process, Services::All).await?;
    let ended = async {
        if preview == Preview::SmokeTestAndEstimate {
            print_preview(process, &local.client, request, &mut items).await?;
        }
        let submitted = request.submit(&local.client, items).await?;
        let stop = async {
            tokio::select! {
                () = local.ended() => {}
                () = interrupted(&mut signals) => {}
            }
        };
        follow(&local.client, submitted, output, stop).await
    }
    .await;
    if matches!(ended, Ok(ExitCode::Interrupted)) {
        eprintln!("finishing the calls in flight; interrupt again to drop them");
    }
    let stopped = local.stop(stream::poll_fn(|context| signals.poll_next_unpin(context))).await;
    let ended = ended?;
    if ended == ExitCode::Interrupted {
        eprintln!("interrupted; the same command resumes the run");
    }
    stopped.map(|_| ended)
}

/// Asks the model once, and prints an estimate of the run for answers like that one.
async fn print_preview(
    process: &Process,
    client: &Client,
    request: &Request,
    items: &mut Items,
) -> anyhow::Result<()> {
    eprintln!("a smoke test, and an estimate of the run if all answers are like that one:");
    let report = ask(client, &request.provider, &request.model).await?;
    println!("{}", smoke_test::table(&request.model, &report));
    let tokens = report.usage.map_or(0, |usage| usage.completion_tokens);
    // A failed smoke test may have a latency of zero.
    let milliseconds = u32::try_from(report.latency_ms.max(1)).unwrap_or(u32::MAX);
    let assumptions =
        Assumptions { seconds_per_call: f64::from(milliseconds) / 1000.0, answer_tokens: tokens };
    println!("{}", estimate(process, Some(client), request, items, &assumptions).await?.table());
    Ok(())
}

/// Waits for a signal.
async fn interrupted(signals: &mut (impl Stream<Item = ()> + Unpin)) {
    if signals.next().await.is_none() {
        std::future::pending::<()>().await;
    }
}

/// Watches the run to its end or until `stop`, writes its results and prints its summary.
async fn follow(
    client: &Client,
    submitted: Submitted,
    output: &Output<'_>,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<ExitCode> {
    let Submitted { run, resumed } = submitted;
    announce(&run, resumed);
    let (start, before) = (Instant::now(), run.counters.settled);
    let run = match watch(client, run.id, output.json, stop).await? {
        Watched::Ended(run) => run,
        Watched::Stopped => {
            if output.at_server {
                eprintln!("interrupted; the run goes on at the server: `runmill runs show {}`", run.id);
            }
            return Ok(ExitCode::Interrupted);
        }
    };
    if let Some(path) = output.out {
        write_results(client, &run, path).await?;
    }
    if output.json {
        print_json(&run)?;
    } else {
        println!("{}", summary::table(&run, Some((run.counters.settled - before, start.elapsed()))));
    }
    if run.pause_reason.is_some() && !run.status.is_terminal() {
        eprintln!("{}", after_pause(&run, output));
    }
    Ok(exit_code(&run))
}

/// Returns what to do after a pause. The reason is named unless the summary shows it.
fn after_pause(run: &Run, output: &Output<'_>) -> String {
    let state = if output.json { summary::status(run) } else { "paused".to_owned() };
    let next = "to go on, correct the cause and run the command again";
    if output.at_server {
        return format!("the run is {state}\n{next}, or `runmill runs resume {}`", run.id);
    }
    format!("the run is {state}\n{next}")
}

fn announce(run: &Run, resumed: bool) {
    let (settled, total) = (run.counters.settled, run.counters.total);
    if resumed {
        eprintln!("resuming {}: {settled} of {total} settled", run.id);
    } else {
        eprintln!("{}: {total} items", run.id);
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

async fn write_results(client: &Client, run: &Run, path: &Path) -> anyhow::Result<()> {
    let wrote = async {
        let mut body = client.results(run.id).await?.bytes_stream();
        let mut file = File::create(path).await?;
        while let Some(piece) = body.next().await {
            file.write_all(&piece?).await?;
        }
        file.flush().await?;
        anyhow::Ok(())
    };
    wrote.await.with_context(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use runmill_proto::{ScoreSummary, api::RunCounters};

    use super::*;
    use crate::run::testing;

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
