//! The `runmill` binary: the standalone server, each service of a cluster, and command-line tools.

// These macros panic when their reader has gone, which would end a paid run. `screen` prints.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod archive;
mod cli;
mod client;
mod command;
mod env_key;
mod exit;
mod open_files;
mod process;
mod results;
mod run;
mod screen;
mod service;
mod top;

use std::ffi::OsString;

use clap::Parser;

use cli::{Cli, Command};
use exit::ExitCode;

fn main() -> ExitCode {
    let line: Vec<_> = std::env::args_os().collect();
    let cli = match Cli::try_parse_from(&line) {
        Ok(cli) => cli,
        Err(error) => {
            // Requests for help and version are errors of clap, too. It prints these to standard output, and other
            // errors to standard error.
            if !error.use_stderr() {
                let _ = error.print();
                return ExitCode::Completed;
            }
            if wants_json(&line) {
                exit::print_json_error(error.render().to_string().trim_end(), ExitCode::Usage);
            } else {
                let _ = error.print();
            }
            return ExitCode::Usage;
        }
    };
    // Must come before any use of TLS, which uses this crypto provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut threads = tokio::runtime::Builder::new_multi_thread();
    // They render prompts.
    let runtime = match threads.enable_all().thread_stack_size(runmill_prompt::STACK_BYTES).build() {
        Ok(runtime) => runtime,
        Err(error) => return exit::print_error(&anyhow::Error::new(error).context("starting threads")),
    };
    let ended = runtime.block_on(dispatch(cli.command, &line));
    // Does not wait for tasks that block their thread.
    runtime.shutdown_background();
    runmill_telemetry::close();
    ended.unwrap_or_else(
        |error| if wants_json(&line) { exit::as_json(&error) } else { exit::print_error(&error) },
    )
}

/// Returns true if a command line asks for JSON, also if it has a fault.
fn wants_json(line: &[OsString]) -> bool {
    line.iter().take_while(|part| *part != "--").any(|part| part == "--json")
}

async fn dispatch(command: Command, line: &[OsString]) -> anyhow::Result<ExitCode> {
    match command {
        Command::Demo(args) => command::demo::run(args).await,
        Command::Run(args) => Box::pin(command::run::run(args, line)).await,
        Command::Dataset(action) => command::dataset::run(action).await,
        Command::Providers(args) => command::providers::run(args).await,
        Command::SmokeTest(args) => command::smoke_test::run(args).await,
        Command::Lighteval(args) => command::lighteval::run(*args).await,
        Command::Serve => service::serve().await,
        Command::Dispatcher => service::dispatcher().await,
        Command::Executor => service::executor().await,
        Command::LogSink => service::log_sink().await,
        Command::Gateway(args) => command::gateway::run(args).await,
        Command::Migrate => command::migrate::run().await,
        Command::Backup(args) => command::backup::run(args).await,
        Command::Keys(action) => command::keys::run(action).await,
        Command::Runs(args) => command::runs::run(args).await,
        Command::Prune(args) => command::prune::run(args).await,
        Command::Tokens(args) => command::tokens::run(args).await,
        Command::Audit(args) => command::audit::run(args).await,
        Command::Top(args) => command::top::run(args).await,
        Command::View(args) => command::view::run(args).await,
        Command::Dead(args) => command::dead::run(args).await,
        Command::Doctor => command::doctor::run().await,
        Command::Healthcheck(args) => command::healthcheck::run(args).await,
        Command::Completions(args) => command::generated::completions(&args),
        Command::Man(args) => command::generated::man(&args),
    }
}
