use futures::StreamExt;
use runmill_proto::api::SmokeTestReport;
use runmill_runtime::stop_signals;

use crate::{
    cli::SmokeTestArgs,
    client::{Client, print_json},
    exit::Exit,
    process::Process,
    run::{connect, provider::ProviderChoice, smoke_test::table},
    service::standalone::{Shape, Standalone},
};

/// Asks a model one short question, by the same way as a run would.
pub async fn run(args: SmokeTestArgs) -> anyhow::Result<Exit> {
    let process = Process::load()?;
    let provider = ProviderChoice::from_args(&args.provider, None, &process);
    let report = match connect(&process, &args.server)? {
        Some(client) => ask(&client, &provider, &args.model).await?,
        None => alone(&process, &provider, &args.model).await?,
    };
    if args.json {
        print_json(&report)?;
    } else {
        println!("{}", table(&args.model, &report));
    }
    Ok(if report.ok { Exit::Completed } else { Exit::Failed })
}

/// With an executor in this process. What is unfinished in the data directory stays so: nobody asked for it, and it would
/// cost.
async fn alone(process: &Process, provider: &ProviderChoice, model: &str) -> anyhow::Result<SmokeTestReport> {
    std::fs::create_dir_all(&process.config.data_dir)?;
    process.log_to_file(&process.config.data_dir)?;
    let local = Standalone::private(process, Shape::WithoutRuns).await?;
    let report = ask(&local.client, provider, model).await;
    local.stop(stop_signals()?.boxed()).await?;
    report
}

pub async fn ask(client: &Client, provider: &ProviderChoice, model: &str) -> anyhow::Result<SmokeTestReport> {
    Ok(client.smoke_test(provider.id(client).await?, model).await?)
}
