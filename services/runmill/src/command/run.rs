use std::{path::Path, sync::Arc};

use anyhow::Context;
use futures::{Stream, StreamExt, stream};
use runmill_pricing::PriceTable;
use runmill_proto::{RunStatus, api::Run};
use runmill_runtime::stop_signals;
use tokio::{fs::File, io::AsyncWriteExt, time::Instant};

use crate::{
    cli::RunArgs,
    client::{Client, print_json},
    command::smoke_test::ask,
    exit::{Exit, UsageError},
    process::Process,
    run::{
        connect,
        dataset::Items,
        estimate::{Assumed, estimate},
        smoke_test,
        submit::{Request, Submitted},
        summary,
        watch::{Watched, watch},
    },
    service::standalone::{Shape, Standalone},
};

/// What is shown before a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preview {
    Nothing,
    /// A smoke test of the model, and by its answer an estimate of the run.
    SmokeTestAndEstimate,
}

/// What is shown, and where results go.
pub struct Output<'a> {
    pub json: bool,
    pub out: Option<&'a Path>,
}

pub async fn run(args: Box<RunArgs>) -> anyhow::Result<Exit> {
    let mut process = Process::load()?;
    if let Some(path) = &args.prices {
        process.config.prices = read_prices(path)?;
    }
    let mut items = Items::read(&args.dataset, args.map.as_deref(), args.limit)?;
    let request = Request::from_args(&args, &process)?;
    if args.estimate {
        return say(&process, &args, &request, &mut items).await;
    }
    let output = Output { json: args.json, out: args.out.as_deref() };
    let mut signals = stop_signals()?;
    if let Some(client) = connect(&process, &args.server)? {
        let submitted = request.submit(&client, items).await?;
        return follow(&client, submitted, &output, hang_up(&mut signals)).await;
    }
    alone(&process, &request, items, &output, Preview::Nothing, signals).await
}

fn read_prices(path: &Path) -> anyhow::Result<Arc<PriceTable>> {
    let fault = |fault| UsageError(format!("--prices {}: {fault}", path.display()));
    Ok(Arc::new(runmill_config::read_prices(path).map_err(fault)?))
}

/// What the run would take. Nothing is submitted.
async fn say(
    process: &Process,
    args: &RunArgs,
    request: &Request,
    items: &mut Items,
) -> anyhow::Result<Exit> {
    let client = connect(process, &args.server)?;
    let assumed = Assumed { seconds_per_call: args.seconds_per_call, answer_tokens: args.answer_tokens };
    let estimate = estimate(process, client.as_ref(), request, items, &assumed).await?;
    if args.json {
        print_json(&estimate.report())?;
    } else {
        println!("{}", estimate.table());
    }
    Ok(Exit::Completed)
}

/// Runs with all services in this process.
pub async fn alone(
    process: &Process,
    request: &Request,
    mut items: Items,
    output: &Output<'_>,
    preview: Preview,
    mut signals: impl Stream<Item = ()> + Unpin,
) -> anyhow::Result<Exit> {
    std::fs::create_dir_all(&process.config.data_dir)
        .with_context(|| format!("making {}", process.config.data_dir.display()))?;
    process.log_to_file(&process.config.data_dir)?;
    let local = Standalone::private(process, Shape::Whole).await?;
    let ended = async {
        if preview == Preview::SmokeTestAndEstimate {
            foretell(process, &local.client, request, &mut items).await?;
        }
        let submitted = request.submit(&local.client, items).await?;
        let cut = async {
            tokio::select! {
                () = local.ended() => {}
                () = hang_up(&mut signals) => {}
            }
        };
        follow(&local.client, submitted, output, cut).await
    }
    .await;
    if matches!(ended, Ok(Exit::Interrupted)) {
        eprintln!("finishing the calls in flight; interrupt again to drop them");
    }
    let stopped = local.stop(stream::poll_fn(|context| signals.poll_next_unpin(context))).await;
    let ended = ended?;
    if ended == Exit::Interrupted {
        eprintln!("interrupted; the same command resumes the run");
    }
    stopped.map(|_| ended)
}

/// Asks the model once, and says what the run would take if every answer were like that one.
async fn foretell(
    process: &Process,
    client: &Client,
    request: &Request,
    items: &mut Items,
) -> anyhow::Result<()> {
    eprintln!("a smoke test, and what the run will take if every answer is like that one:");
    let report = ask(client, &request.provider, &request.model).await?;
    println!("{}", smoke_test::table(&request.model, &report));
    let tokens = report.usage.map_or(0, |usage| usage.completion_tokens);
    // A test that failed measured nothing.
    let milliseconds = u32::try_from(report.latency_ms.max(1)).unwrap_or(u32::MAX);
    let assumed = Assumed { seconds_per_call: f64::from(milliseconds) / 1000.0, answer_tokens: tokens };
    println!("{}", estimate(process, Some(client), request, items, &assumed).await?.table());
    Ok(())
}

async fn hang_up(signals: &mut (impl Stream<Item = ()> + Unpin)) {
    if signals.next().await.is_none() {
        std::future::pending::<()>().await;
    }
}

/// Watches the run to its end, and shows what came of it.
async fn follow(
    client: &Client,
    submitted: Submitted,
    output: &Output<'_>,
    cut: impl Future<Output = ()>,
) -> anyhow::Result<Exit> {
    let Submitted { run, resumed } = submitted;
    announce(&run, resumed);
    let (start, before) = (Instant::now(), run.counters.settled);
    let run = match watch(client, run.id, output.json, cut).await? {
        Watched::Ended(run) => run,
        Watched::CutShort => return Ok(Exit::Interrupted),
    };
    if let Some(path) = output.out {
        write_results(client, &run, path).await?;
    }
    if output.json {
        print_json(&run)?;
    } else {
        println!("{}", summary::table(&run, Some((run.counters.settled - before, start.elapsed()))));
    }
    Ok(verdict(&run))
}

fn announce(run: &Run, resumed: bool) {
    let (settled, total) = (run.counters.settled, run.counters.total);
    if resumed {
        eprintln!("resuming {}: {settled} of {total} settled", run.id);
    } else {
        eprintln!("{}: {total} items", run.id);
    }
}

/// Completed is a run of which every job has its result; that some of them failed is for the results to say, unless all
/// of them did.
fn verdict(run: &Run) -> Exit {
    let all_failed = run.counters.failed > 0 && run.counters.failed == run.counters.settled;
    if run.status == RunStatus::Completed && !all_failed { Exit::Completed } else { Exit::Failed }
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
