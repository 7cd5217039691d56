use futures::StreamExt;
use runmill_proto::api::SmokeTestReport;
use runmill_runtime::stop_signals;

use crate::{
    cli::SmokeTestArgs,
    client::Client,
    command::print_json,
    exit::ExitCode,
    process::Process,
    run::{
        connect,
        provider::{ProviderChoice, StatedLimits},
        smoke_test::table,
    },
    screen::print,
    service::standalone::{Services, Standalone},
};

/// Asks a model one short question through the same code as a run.
pub async fn run(args: SmokeTestArgs) -> anyhow::Result<ExitCode> {
    let process = Process::load()?;
    let provider = ProviderChoice::from_args(&args.provider, StatedLimits::default(), &process)?;
    let report = match connect(&process, &args.server)? {
        Some(client) => ask(&client, &provider, &args.model).await?,
        None => ask_standalone(&process, &provider, &args.model).await?,
    };
    if args.json {
        print_json(&report)?;
    } else {
        print(table(&args.model, &report))?;
    }
    Ok(if report.ok { ExitCode::Completed } else { ExitCode::Failed })
}

/// Asks through an executor in this process. Unfinished runs of the data directory are not resumed, since their calls
/// would cost money.
async fn ask_standalone(
    process: &Process,
    provider: &ProviderChoice,
    model: &str,
) -> anyhow::Result<SmokeTestReport> {
    std::fs::create_dir_all(&process.config.data_dir)?;
    process.log_to_file(&process.config.data_dir)?;
    let local = Standalone::for_command(process, Services::WithoutRuns).await?;
    let report = ask(&local.client, provider, model).await;
    local.stop(stop_signals()?.boxed()).await?;
    report
}

pub async fn ask(client: &Client, provider: &ProviderChoice, model: &str) -> anyhow::Result<SmokeTestReport> {
    Ok(client.smoke_test(provider.provider(client).await?.id, model).await?)
}
