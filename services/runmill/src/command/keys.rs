use anyhow::Context;
use runmill_store::{SecretRotation, SharedStore};
use runmill_vault::{Keyring, Owner, generate_hex};
use secrecy::ExposeSecret;

use crate::{
    cli::KeysAction,
    exit::{Exit, usage},
    process::Process,
    service::connect_store,
};

pub async fn run(action: KeysAction) -> anyhow::Result<Exit> {
    match action {
        KeysAction::Generate => {
            // Its one purpose: the key is for the user to keep.
            println!("{}", generate_hex().expose_secret());
            Ok(Exit::Completed)
        }
        KeysAction::Rotate => rotate().await,
    }
}

const AT_ONCE: u32 = 200;

async fn rotate() -> anyhow::Result<Exit> {
    let process = Process::load()?;
    let (Some(url), Some(key)) = (&process.config.database_url, &process.config.encryption_key) else {
        return usage(
            "rotating needs DATABASE_URL and ENCRYPTION_KEY with the new key first and the old ones after it, \
             separated by commas",
        );
    };
    let store: SharedStore = connect_store(&process.config, url).await?;
    let (resealed, current) = reseal_all(&*store, &Keyring::parse(key)?).await?;
    println!("{resealed} secrets are now sealed under the first key; {current} already were");
    Ok(Exit::Completed)
}

/// How many secrets were sealed anew, and how many were under the first key already. What another process changes
/// meanwhile is sealed under the first key by it.
async fn reseal_all(store: &(impl SecretRotation + ?Sized), keyring: &Keyring) -> anyhow::Result<(u64, u64)> {
    let (mut resealed, mut current, mut after) = (0, 0, None);
    loop {
        let secrets = store.secrets(after, AT_ONCE).await?;
        let Some(last) = secrets.last() else { return Ok((resealed, current)) };
        after = Some(last.secret.id);
        for owned in &secrets {
            let old = &owned.secret.sealed;
            let opened = keyring.reseal(Owner::provider_secret(owned.secret.id), old);
            let opened = opened.with_context(|| format!("a secret of provider {}", owned.provider_id))?;
            match opened {
                Some(new) if store.reseal(owned.secret.id, old, &new).await? => resealed += 1,
                _ => current += 1,
            }
        }
    }
}
