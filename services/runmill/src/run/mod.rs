//! One run from the command line: read the items, submit, watch, show.

pub mod dataset;
pub mod estimate;
mod fields;
mod progress;
pub mod provider;
pub mod smoke_test;
pub mod submit;
pub mod summary;
pub mod watch;

use secrecy::SecretString;

use crate::{cli::ServerArgs, client::Client, process::Process};

/// A client of the server that was named, if one was.
pub fn connect(process: &Process, args: &ServerArgs) -> anyhow::Result<Option<Client>> {
    let Some(url) = &args.server else { return Ok(None) };
    let token = process.env.get("RUNMILL_TOKEN").map(SecretString::from);
    Client::new(url, token).map(Some)
}
