use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use runmill_config::{Config, Role, Token};
use runmill_vault::Keyring;
use secrecy::{ExposeSecret, SecretString};

use super::data_dir::{DATABASE_FILE, KEY_FILE, TOKEN_FILE};
use crate::{exit::usage, process::Process};

/// Returns the keys of `ENCRYPTION_KEY`, or else the key in the data directory, which the first start generates.
///
/// Returns a usage error if the directory has a database and no key: a new key would open none of its secrets.
pub fn keyring(process: &Process) -> anyhow::Result<Keyring> {
    let folder = &process.config.data_dir;
    let key = match &process.config.encryption_key {
        Some(key) => key.clone(),
        // The first start makes the key before the database, so this looks at the database first.
        None if folder.join(DATABASE_FILE).exists() && !folder.join(KEY_FILE).exists() => {
            return usage(format!(
                "{} has a database and no {KEY_FILE}, which decrypts the providers' secrets: put the key back, or set \
                 ENCRYPTION_KEY; if it is lost, write a new one of `runmill keys generate` to that file, and give each \
                 provider its secrets again",
                folder.display()
            ));
        }
        None => stored(folder, KEY_FILE)?,
    };
    Ok(Keyring::parse(&key)?)
}

/// Returns the file of the key, or `None` if the environment has the key.
pub fn key_file(config: &Config) -> Option<PathBuf> {
    config.encryption_key.is_none().then(|| config.data_dir.join(KEY_FILE))
}

/// Returns the tokens of `RUNMILL_TOKENS`, or else one token of an admin, which is stored in the data directory.
pub fn tokens(process: &Process) -> anyhow::Result<Vec<Token>> {
    if !process.config.tokens.is_empty() {
        return Ok(process.config.tokens.clone());
    }
    let value = stored(&process.config.data_dir, TOKEN_FILE)?;
    Ok(vec![Token { role: Role::Admin, value }])
}

/// Reads a secret from a file that only its owner can read. If there is no file, makes one with a random secret.
fn stored(folder: &Path, name: &str) -> anyhow::Result<SecretString> {
    let path = folder.join(name);
    let secret = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make(folder, &path).and_then(|()| fs::read_to_string(&path))
        }
        read => read,
    };
    let secret = secret.with_context(|| format!("reading {}", path.display()))?;
    Ok(SecretString::from(secret.trim()))
}

/// Makes the file unless another process has made it meanwhile.
fn make(folder: &Path, path: &Path) -> io::Result<()> {
    // A temporary file is readable by its owner only, and appears under its name as a whole.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(file, "{}", runmill_vault::generate_hex().expose_secret())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Err(fault) if fault.error.kind() != io::ErrorKind::AlreadyExists => Err(fault.error),
        _ => Ok(()),
    }
}
