use std::{ffi::OsString, path::Path, sync::Arc};

use anyhow::Context;
use futures::Stream;
use runmill_estimate::Assumptions;
use runmill_pricing::PriceTable;
use runmill_runtime::stop_signals;

use crate::{
    cli::{GateArgs, RunArgs},
    client::Client,
    command::{
        follow::{Output, follow_at_server, follow_here},
        print_json,
        smoke_test::ask,
        suite,
    },
    exit::{ExitCode, UsageError, usage},
    process::Process,
    run::{
        ahead::{Ahead, LinesAhead, ahead},
        connect,
        dataset::Items,
        estimate::{estimate, table},
        gate::Gate,
        smoke_test,
        submit::Request,
        suite::Suite,
        watch::WatchOptions,
    },
    screen::{note, print},
    service::standalone::Standalone,
};

/// Output before a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preview {
    Nothing,
    /// The report of a smoke test, and an estimate of the run from the answer of the smoke test.
    SmokeTestAndEstimate,
}

/// `line` is the whole command line.
pub async fn run(args: Box<RunArgs>, line: &[OsString]) -> anyhow::Result<ExitCode> {
    let mut process = Process::load()?;
    if let Some(path) = &args.prices {
        process.config.prices = read_prices(path)?;
    }
    if Suite::is_named_by(&args.dataset) || args.model.len() > 1 {
        let client = connect(&process, &args.server)?;
        return suite::run(&process, &args, line, client, stop_signals()?).await;
    }
    let request = Arc::new(Request::from_args(&args, &process)?);
    let args = Arc::new(*args);
    let (ahead, lines) = ahead();
    let items = read_aside(request.clone(), args.clone(), ahead);
    if args.estimate {
        drop(lines);
        return print_estimate(&process, &args, &request, &mut items.await?).await;
    }
    let watch = WatchOptions { quiet: args.quiet, wait_for_key: args.wait_for_key };
    let output = Output::open(args.json, &args.out)?.watched(watch);
    let mut signals = stop_signals()?;
    if let Some(client) = connect(&process, &args.server)? {
        drop(lines);
        let output = output.judged_by(Gate::new(&client, &args.gate).await?);
        let submitted = request.prepare(&client, items.await?).await?.submit(&client, args.again).await?;
        return follow_at_server(&client, submitted, output, &mut signals).await;
    }
    let (gate, again, preview) = (args.gate.clone(), args.again, Preview::Nothing);
    let options = RunOptions { output, gate, again, preview, ahead: Some(lines) };
    run_standalone(&process, &request, items, options, signals).await
}

/// Begins to read the items on a thread for blocking calls, so that services can start meanwhile.
fn read_aside(
    request: Arc<Request>,
    args: Arc<RunArgs>,
    ahead: Ahead,
) -> impl Future<Output = anyhow::Result<Items>> {
    let reading = tokio::task::spawn_blocking(move || request.read_items(&args, Some(ahead)));
    async { reading.await.context("reading the dataset")? }
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
    let estimate = estimate(process, client.as_ref(), request, items, assumptions).await?;
    if args.json {
        print_json(&estimate.to_json())?;
    } else {
        print(table(&estimate))?;
    }
    Ok(ExitCode::Completed)
}

/// Options of a command beside its run.
pub struct RunOptions {
    pub output: Output,
    pub gate: GateArgs,
    pub again: bool,
    pub preview: Preview,
    /// Lines of the items while they are read.
    pub ahead: Option<LinesAhead>,
}

/// Runs with all services in this process, which start while the items are read.
pub async fn run_standalone(
    process: &Process,
    request: &Request,
    items: impl Future<Output = anyhow::Result<Items>>,
    options: RunOptions,
    signals: impl Stream<Item = ()> + Unpin,
) -> anyhow::Result<ExitCode> {
    let RunOptions { output, gate, again, preview, ahead } = options;
    let followed = follow_here(process, output, signals, async |local: &Standalone| {
        let client = &local.client;
        let uploaded = async {
            if let Some(lines) = ahead {
                request.upload_ahead(client, lines).await;
            }
        };
        let (items, ()) = tokio::join!(items, uploaded);
        let mut items = items?;
        let gate = Gate::new(client, &gate).await?;
        if preview == Preview::SmokeTestAndEstimate {
            print_preview(process, client, request, &mut items).await?;
        }
        let prepared = request.prepare(client, items).await?;
        if !local.claim(&prepared.identity.run)? {
            return usage("the same command is running already; `runmill runs list` shows its run");
        }
        Ok((prepared.submit(client, again).await?, gate))
    });
    // The future is large.
    Box::pin(followed).await
}

/// Asks the model once, and prints an estimate of the run for answers like that one.
async fn print_preview(
    process: &Process,
    client: &Client,
    request: &Request,
    items: &mut Items,
) -> anyhow::Result<()> {
    note!("a smoke test, and an estimate of the run if all answers are like that one:");
    let report = ask(client, &request.provider, &request.model).await?;
    print(smoke_test::table(&request.model, &report))?;
    let tokens = report.usage.map_or(0, |usage| usage.completion_tokens);
    // A failed smoke test may have a latency of zero.
    let milliseconds = u32::try_from(report.latency_ms.max(1)).unwrap_or(u32::MAX);
    let assumptions =
        Assumptions { seconds_per_call: f64::from(milliseconds) / 1000.0, answer_tokens: tokens };
    Ok(print(table(&estimate(process, Some(client), request, items, assumptions).await?))?)
}
