use anyhow::Context;
use runmill_store::{SecretRotation, SharedStore};
use runmill_vault::{Keyring, Owner, generate_hex};
use secrecy::ExposeSecret;

use crate::{
    cli::KeysAction,
    exit::{ExitCode, usage},
    process::Process,
    screen::print,
    service::connect_store,
};

pub async fn run(action: KeysAction) -> anyhow::Result<ExitCode> {
    match action {
        KeysAction::Generate => {
            // This is the only place that prints a secret: the user has to store this key.
            print(generate_hex().expose_secret())?;
            Ok(ExitCode::Completed)
        }
        KeysAction::Rotate => rotate().await,
    }
}

/// Number of secrets that one query reads.
const PAGE: u32 = 200;

async fn rotate() -> anyhow::Result<ExitCode> {
    let process = Process::load()?;
    let (Some(url), Some(key)) = (&process.config.database_url, &process.config.encryption_key) else {
        return usage(
            "rotating needs DATABASE_URL, and ENCRYPTION_KEY with the new key first and the old keys after it, \
             separated by commas",
        );
    };
    let store: SharedStore = connect_store(&process.config, url).await?;
    let (resealed, current) = reseal_all(&*store, &Keyring::parse(key)?).await?;
    print(format_args!("{resealed} secrets are now encrypted with the first key; {current} already were"))?;
    Ok(ExitCode::Completed)
}

/// Returns the number of secrets that were sealed again, and of those that were already sealed under the first key. A
/// secret that another process changes meanwhile counts among the latter, because that process sealed it under its
/// own first key.
async fn reseal_all(store: &(impl SecretRotation + ?Sized), keyring: &Keyring) -> anyhow::Result<(u64, u64)> {
    let (mut resealed, mut current, mut after) = (0, 0, None);
    loop {
        let secrets = store.secrets(after, PAGE).await?;
        let Some(last) = secrets.last() else { return Ok((resealed, current)) };
        after = Some(last.secret.id);
        for owned in &secrets {
            let old = &owned.secret.sealed;
            let opened = keyring.reseal(Owner::provider_secret(owned.secret.id), old);
            let opened = opened
                .with_context(|| format!("cannot decrypt a secret of provider {}", owned.provider_id))?;
            match opened {
                Some(new) if store.reseal(owned.secret.id, old, &new).await? => resealed += 1,
                _ => current += 1,
            }
        }
    }
}
