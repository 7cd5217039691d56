use anyhow::Context as _;
use runmill_config::address;
use runmill_store::{
    SecretRotation as _,
    postgres::{Inspection, PgStore, SchemaState},
};
use runmill_vault::{Keyring, Owner};

use super::{failed, passed, worst};
use crate::{
    exit::ExitCode,
    process::Process,
    screen::print,
    service::{DATABASE_FILE, open_store},
};

/// Number of secrets that one query reads.
const PAGE: u32 = 200;

/// Checks the database, and that the key opens the secrets in it. Reads only.
pub async fn check(process: &Process) -> ExitCode {
    let Some(url) = &process.config.database_url else {
        let path = process.config.data_dir.join(DATABASE_FILE);
        return passed(
            "database",
            &format!("DATABASE_URL is not set; a standalone process uses SQLite in {}", path.display()),
        );
    };
    let store = match open_store(&process.config, url).await {
        Ok(store) => store,
        Err(error) => return failed("database", &error, advice(&format!("{error:#}"))),
    };
    match store.inspect().await {
        Ok(found) if found.faults.is_empty() => {
            let database = passed("database", &describe(&address(url), &found));
            worst([database, check_secrets(process, &store, found.schema).await])
        }
        Ok(found) => {
            for fault in &found.faults {
                let _ = print(format_args!("FAIL  database: {fault}"));
            }
            ExitCode::Failed
        }
        Err(error) => {
            let error = anyhow::Error::from(error);
            let advice = advice(&format!("{error:#}"));
            failed("database", &error, advice)
        }
    }
}

fn describe(address: &str, found: &Inspection) -> String {
    let pooler = if found.is_pooled { ", behind a pooler" } else { "" };
    let schema = match found.schema {
        SchemaState::Empty => "it is empty: run `runmill migrate`, or start a service, which does the same",
        SchemaState::Behind => {
            "its schema is of an older release: run `runmill migrate`, or start a service, which does the same"
        }
        SchemaState::UpToDate => "its schema is up to date",
    };
    format!("PostgreSQL {} at {address} answers{pooler}; {schema}", found.version)
}

/// Returns what corrects a fault of the connection, by the SQLSTATE or the reason in its text.
fn advice(error: &str) -> &'static str {
    let table = [
        ("(28P01)", "correct the user or the password in DATABASE_URL"),
        ("(28000)", "correct the user in DATABASE_URL, or allow the connection in pg_hba.conf"),
        ("(3D000)", "create the database, or correct its name in DATABASE_URL"),
        ("(42501)", "grant the role in DATABASE_URL the rights that the reason names"),
        ("(53300)", "allow more connections, or lower RUNMILL_DATABASE_POOL"),
        ("lookup address", "correct the host in DATABASE_URL: no such name is known"),
        (
            "certificate",
            "correct sslmode, sslrootcert, sslcert or sslkey in DATABASE_URL, as the reason says",
        ),
        ("at version", "use the newer runmill, or another database"),
    ];
    let fitting = table.iter().find(|(reason, _)| error.contains(reason));
    fitting.map_or("start PostgreSQL there, or correct DATABASE_URL", |(_, advice)| advice)
}

async fn check_secrets(process: &Process, store: &PgStore, schema: SchemaState) -> ExitCode {
    let key = process.config.encryption_key.as_ref().and_then(|key| Keyring::parse(key).ok());
    let (Some(keyring), SchemaState::UpToDate) = (key, schema) else { return ExitCode::Completed };
    match count_secrets(store, &keyring).await {
        Ok((0, 0)) => ExitCode::Completed,
        Ok((opened, 0)) => passed("stored secrets", &format!("ENCRYPTION_KEY opens all {opened}")),
        Ok((opened, closed)) => {
            let error =
                anyhow::anyhow!("ENCRYPTION_KEY opens {opened} of {} stored secrets", opened + closed);
            failed("stored secrets", &error, "add the earlier key behind the first, separated by a comma")
        }
        Err(error) => failed("stored secrets", &error, "correct the database"),
    }
}

/// Returns the number of secrets that the keys open, and of those that they do not open.
async fn count_secrets(store: &PgStore, keyring: &Keyring) -> anyhow::Result<(u64, u64)> {
    let keys = keyring.opener();
    let (mut opened, mut closed, mut after) = (0, 0, None);
    loop {
        let secrets = store.secrets(after, PAGE).await.context("reading the stored secrets")?;
        let Some(last) = secrets.last() else { return Ok((opened, closed)) };
        after = Some(last.secret.id);
        for owned in &secrets {
            let owner = Owner::provider_secret(owned.secret.id);
            match keys.open(owner, &owned.secret.sealed) {
                Ok(_secret) => opened += 1,
                Err(_other_key) => closed += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_fits_the_reason() {
        for (error, want) in [
            ("password authentication failed for user \"a\" (28P01)", "the password"),
            ("database \"runs\" does not exist (3D000)", "create the database"),
            ("failed to lookup address information: Name or service not known", "the host"),
            ("permission denied for schema public (42501)", "the rights"),
            ("Connection refused (os error 111)", "start PostgreSQL"),
        ] {
            assert!(advice(error).contains(want), "{error}: {}", advice(error));
        }
    }
}
