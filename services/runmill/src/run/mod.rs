//! Steps of a run from the command line: read the items, submit, watch, show the result.

pub mod dataset;
pub mod estimate;
mod fields;
mod hash_label;
mod headers;
mod identity;
pub mod others;
mod progress_display;
pub mod provider;
pub mod results_file;
mod row_error;
pub mod smoke_test;
pub mod submit;
pub mod summary;
#[cfg(test)]
pub mod testing;
mod waiting;
pub mod watch;

use secrecy::SecretString;

use crate::{cli::ServerArgs, client::Client, env_key::env_key, process::Process};

/// Returns a client of the server that `args` name, if they name one.
pub fn connect(process: &Process, args: &ServerArgs) -> anyhow::Result<Option<Client>> {
    let Some(url) = &args.server else { return Ok(None) };
    let token = env_key(&process.env, "RUNMILL_TOKEN")?.map(SecretString::from);
    Client::new(url, token).map(Some)
}
