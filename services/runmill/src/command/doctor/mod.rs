mod broker;
mod files;
mod store;

use runmill_vault::Keyring;

use crate::{
    exit::{ExitCode, print_error},
    process::Process,
    screen::print,
};

/// Checks the settings and the servers that a service needs, and prints for each fault how to correct it.
pub async fn run() -> anyhow::Result<ExitCode> {
    let process = match Process::load() {
        Ok(process) => process,
        Err(error) => {
            return Ok(failed("settings", &error, "correct them; docs/configuration.md lists all settings"));
        }
    };
    passed("settings", "read");
    note_what_a_cluster_needs(&process);
    let checks = [
        check_key(&process),
        store::check(&process).await,
        broker::check(&process).await,
        files::check(process.config.lane_concurrency),
    ];
    Ok(worst(checks))
}

fn worst(codes: impl IntoIterator<Item = ExitCode>) -> ExitCode {
    codes.into_iter().max_by_key(|code| *code as u8).unwrap_or(ExitCode::Completed)
}

/// Notes the settings without which the services of a cluster do not start. The process that asks may be of none.
fn note_what_a_cluster_needs(process: &Process) {
    if process.config.amqp_url.is_none() {
        return;
    }
    if process.config.encryption_key.is_none() {
        noted(
            "encryption key",
            "a dispatcher and an executor of a cluster do not start without ENCRYPTION_KEY",
        );
    }
    if process.config.tokens.is_empty() {
        noted(
            "tokens",
            "a dispatcher of a cluster does not start without RUNMILL_TOKENS, unless the database has an admin's token",
        );
    }
}

fn check_key(process: &Process) -> ExitCode {
    match process.config.encryption_key.as_ref().map(Keyring::parse) {
        None => passed("encryption key", "ENCRYPTION_KEY is not set; a standalone process makes its own key"),
        Some(Ok(keyring)) if keyring.ids().count() == 1 => passed("encryption key", "one key"),
        Some(Ok(keyring)) => {
            passed("encryption key", &format!("{} keys; the first encrypts", keyring.ids().count()))
        }
        Some(Err(error)) => {
            failed("encryption key", &error.into(), "`runmill keys generate` prints a new one")
        }
    }
}

fn passed(check: &str, detail: &str) -> ExitCode {
    let _ = print(format_args!("ok    {check}: {detail}"));
    ExitCode::Completed
}

/// Prints a fact that is no fault.
fn noted(check: &str, detail: &str) {
    let _ = print(format_args!("note  {check}: {detail}"));
}

fn failed(check: &str, error: &anyhow::Error, advice: &str) -> ExitCode {
    let _ = print(format_args!("FAIL  {check}: {advice}"));
    print_error(error)
}
