use std::io::{IsTerminal, stdin, stdout};

use runmill_runtime::stop_signals;

use crate::{
    cli::TopArgs,
    exit::{ExitCode, usage},
    process::Process,
    run::connect,
    service::standalone::{Services, Standalone},
    top,
};

/// Shows a server, or the data directory if no server is named.
pub async fn run(args: TopArgs) -> anyhow::Result<ExitCode> {
    if !stdin().is_terminal() || !stdout().is_terminal() {
        return usage(
            "top needs a terminal for its input and output; `runmill runs list`, `GET /executors` and \
             `GET /providers/{id}/limits` tell the same",
        );
    }
    let process = Process::load()?;
    let mut signals = stop_signals()?;
    if let Some(client) = connect(&process, &args.server)? {
        return top::show(&client, &process.clock, &mut signals).await;
    }
    let local = Standalone::for_command(&process, Services::ApiOnly).await?;
    let shown = top::show(&local.client, &process.clock, &mut signals).await;
    local.stop(signals).await?;
    shown
}
