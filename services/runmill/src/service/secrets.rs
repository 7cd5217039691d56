use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::Context;
use runmill_config::{Role, Token};
use runmill_vault::Keyring;
use secrecy::{ExposeSecret, SecretString};

use crate::process::Process;

const KEY_FILE: &str = "encryption.key";
const TOKEN_FILE: &str = "token";

/// Returns the keys of `ENCRYPTION_KEY`, or else the key in the data directory, which the first start generates.
pub fn keyring(process: &Process) -> anyhow::Result<Keyring> {
    let key = match &process.config.encryption_key {
        Some(key) => key.clone(),
        None => stored(&process.config.data_dir, KEY_FILE)?,
    };
    Ok(Keyring::parse(&key)?)
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
        Ok(text) => Ok(SecretString::from(text.trim())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(&path),
        Err(error) => Err(error),
    };
    secret.with_context(|| format!("reading {}", path.display()))
}

fn make(path: &Path) -> io::Result<SecretString> {
    let secret = runmill_vault::generate_hex();
    let mut file = fs::File::options().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{}", secret.expose_secret())?;
    file.sync_all()?;
    Ok(secret)
}
