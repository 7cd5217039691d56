//! The one binary a person runs: the standalone shape, each service of a cluster, and the tools around them.

mod cli;
mod client;
mod command;
mod exit;
mod process;
mod run;
mod service;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use exit::Exit;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; clap prints each to where it belongs.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Completed }.into();
        }
    };
    // The first thing: whoever opens TLS later finds one provider of cryptography.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return exit::report(&anyhow::Error::new(error).context("starting threads")).into(),
    };
    let ended = runtime.block_on(dispatch(cli.command));
    // A task that blocks its thread must not keep the process.
    runtime.shutdown_background();
    runmill_telemetry::close();
    ended.unwrap_or_else(|error| exit::report(&error)).into()
}

async fn dispatch(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Demo(args) => command::demo::run(args).await,
        Command::Run(args) => command::run::run(args).await,
        Command::SmokeTest(args) => command::smoke_test::run(args).await,
        Command::Serve => service::serve().await,
        Command::Dispatcher => service::dispatcher().await,
        Command::Executor => service::executor().await,
        Command::LogSink => service::log_sink().await,
        Command::Gateway(args) => command::gateway::run(args).await,
        Command::Migrate => command::migrate::run().await,
        Command::Keys(action) => command::keys::run(action).await,
        Command::Runs(args) => command::runs::run(args).await,
        Command::Doctor => command::doctor::run().await,
    }
}
