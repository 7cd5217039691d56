use runmill_config::address;
use runmill_vault::Keyring;

use crate::{
    exit::{Exit, report},
    process::Process,
    service::{connect_broker, connect_store},
};

/// Checks what a service would need, one thing after the other, and says what to do about what is wrong.
pub async fn run() -> anyhow::Result<Exit> {
    let process = match Process::load() {
        Ok(process) => process,
        Err(error) => {
            return Ok(failed("settings", &error, "mend them; docs/configuration.md lists them all"));
        }
    };
    passed("settings", "read");
    let checks = [check_key(&process), check_store(&process).await, check_broker(&process).await];
    let worst = checks.into_iter().max_by_key(|exit| *exit as u8);
    Ok(worst.unwrap_or(Exit::Completed))
}

fn check_key(process: &Process) -> Exit {
    match process.config.encryption_key.as_ref().map(Keyring::parse) {
        None => passed("encryption key", "ENCRYPTION_KEY is not set: a standalone process keeps its own"),
        Some(Ok(keyring)) => {
            passed("encryption key", &format!("{} keys, the first seals", keyring.ids().count()))
        }
        Some(Err(error)) => {
            failed("encryption key", &error.into(), "`runmill keys generate` prints a new one")
        }
    }
}

async fn check_store(process: &Process) -> Exit {
    let Some(url) = &process.config.database_url else {
        let path = process.config.data_dir.join("runmill.db");
        return passed("database", &format!("DATABASE_URL is not set: SQLite in {}", path.display()));
    };
    match connect_store(&process.config, url).await {
        Ok(_) => passed("database", &format!("{} answers, and its schema is ours", address(url))),
        Err(error) => failed("database", &error, "start PostgreSQL there, or correct DATABASE_URL"),
    }
}

async fn check_broker(process: &Process) -> Exit {
    let Some(url) = &process.config.amqp_url else {
        return passed("broker", "AMQP_URL is not set: the broker inside the process");
    };
    match connect_broker(&process.config, url).await {
        Ok(_) => passed("broker", &format!("{} answers", address(url))),
        Err(error) => failed("broker", &error, "start RabbitMQ there, or correct AMQP_URL"),
    }
}

fn passed(what: &str, detail: &str) -> Exit {
    println!("ok    {what}: {detail}");
    Exit::Completed
}

fn failed(what: &str, error: &anyhow::Error, advice: &str) -> Exit {
    println!("FAIL  {what}: {advice}");
    report(error)
}
