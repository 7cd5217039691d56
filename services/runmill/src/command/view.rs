use futures::StreamExt;
use runmill_runtime::stop_signals;
use tokio::process::Command;

use crate::{
    cli::ViewArgs,
    exit::{ExitCode, usage},
    process::Process,
    screen::note,
    service::{
        DATABASE_FILE,
        standalone::{Services, Standalone},
    },
};

/// Programs that open a URL in the user's browser.
const OPENERS: [&str; 2] = ["xdg-open", "open"];

/// Serves the pages of a data directory until a signal. They show its runs, also those that other commands work on, and change
/// none.
pub async fn run(args: ViewArgs) -> anyhow::Result<ExitCode> {
    let mut signals = stop_signals()?;
    let mut process = Process::load()?;
    process.config.data_dir = args.data_dir.unwrap_or(process.config.data_dir);
    let folder = &process.config.data_dir;
    if !folder.join(DATABASE_FILE).exists() {
        return usage(format!("{} has no runs: it has no {DATABASE_FILE}", folder.display()));
    }
    let local = Standalone::for_command_at(&process, Services::ApiOnly, args.listen).await?;
    let link = local.sign_in_link();
    note!("the pages are at {link}");
    note!("this link signs one browser in, within ten minutes; an interrupt ends the pages");
    if args.open && !open(&link).await {
        note!("no browser could be opened: open the link by hand");
    }
    tokio::select! {
        _ = signals.next() => {}
        _ = local.ended() => {}
    }
    local.stop(signals).await
}

/// Opens a URL in the user's browser. Returns false if there is no program that does.
async fn open(url: &str) -> bool {
    for opener in OPENERS {
        let done = Command::new(opener).arg(url).status().await;
        if done.is_ok_and(|status| status.success()) {
            return true;
        }
    }
    false
}
