use runmill_config::address;
use runmill_vault::Keyring;

use crate::{
    exit::{ExitCode, print_error},
    process::Process,
    screen::print,
    service::{connect_broker, connect_store},
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
    let checks = [check_key(&process), check_store(&process).await, check_broker(&process).await];
    let worst = checks.into_iter().max_by_key(|code| *code as u8);
    Ok(worst.unwrap_or(ExitCode::Completed))
}

fn check_key(process: &Process) -> ExitCode {
    match process.config.encryption_key.as_ref().map(Keyring::parse) {
        None => passed("encryption key", "ENCRYPTION_KEY is not set; a standalone process makes its own key"),
        Some(Ok(keyring)) => {
            passed("encryption key", &format!("{} keys; the first encrypts", keyring.ids().count()))
        }
        Some(Err(error)) => {
            failed("encryption key", &error.into(), "`runmill keys generate` prints a new one")
        }
    }
}

async fn check_store(process: &Process) -> ExitCode {
    let Some(url) = &process.config.database_url else {
        let path = process.config.data_dir.join("runmill.db");
        return passed(
            "database",
            &format!("DATABASE_URL is not set; a standalone process uses SQLite in {}", path.display()),
        );
    };
    match connect_store(&process.config, url).await {
        Ok(_) => passed("database", &format!("{} answers, and its schema is up to date", address(url))),
        Err(error) => failed("database", &error, "start PostgreSQL there, or correct DATABASE_URL"),
    }
}

async fn check_broker(process: &Process) -> ExitCode {
    let Some(url) = &process.config.amqp_url else {
        return passed("broker", "AMQP_URL is not set; a standalone process uses its own broker");
    };
    match connect_broker(&process.config, url).await {
        Ok(_) => passed("broker", &format!("{} answers", address(url))),
        Err(error) => failed("broker", &error, "start RabbitMQ there, or correct AMQP_URL"),
    }
}

fn passed(check: &str, detail: &str) -> ExitCode {
    let _ = print(format_args!("ok    {check}: {detail}"));
    ExitCode::Completed
}

fn failed(check: &str, error: &anyhow::Error, advice: &str) -> ExitCode {
    let _ = print(format_args!("FAIL  {check}: {advice}"));
    print_error(error)
}
