//! Steps of a run from the command line: read the items, submit, watch, show the result.

pub mod ahead;
mod budget;
mod contact;
pub mod dataset;
pub mod dataset_report;
pub mod estimate;
pub mod gate;
mod hash_label;
mod headers;
mod identity;
pub mod limit;
mod limit_watch;
pub mod named;
pub mod option_file;
pub mod others;
mod pace;
pub mod progress_display;
pub mod provider;
mod references;
pub mod rescoring;
pub mod smoke_test;
pub mod submit;
pub mod suite;
pub mod summary;
#[cfg(test)]
pub mod testing;
pub mod waiting;
pub mod watch;

pub use contact::Contact;
use reqwest::Url;
use secrecy::SecretString;

use crate::{cli::ServerArgs, client::Client, env_key::env_key, exit::usage, process::Process};

/// Returns a client of the server that `args` name, if they name one.
pub fn connect(process: &Process, args: &ServerArgs) -> anyhow::Result<Option<Client>> {
    let Some(url) = &args.server else { return Ok(None) };
    check_url(url)?;
    let token = env_key(&process.env, "RUNMILL_TOKEN")?.map(SecretString::from);
    Client::new(url, token, &process.config.server_trust).map(Some)
}

/// Refuses what is no address of a server, which would otherwise look like a server that is away.
fn check_url(url: &str) -> anyhow::Result<()> {
    match Url::parse(url) {
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") => Ok(()),
        Err(fault) if url.starts_with("http://") || url.starts_with("https://") => {
            usage(format_args!("--server {url}: {fault}"))
        }
        _ => usage(format_args!("--server {url}: must begin with http:// or https://")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::UsageError;

    #[test]
    fn the_address_of_a_server_has_a_scheme() {
        for good in ["http://127.0.0.1:1", "https://runmill.example/api"] {
            assert!(check_url(good).is_ok(), "{good}");
        }
        for bad in ["127.0.0.1:1", "localhost:8080", "runmill.example", "ftp://x", ""] {
            let error = check_url(bad).unwrap_err();
            assert!(
                error.is::<UsageError>() && error.to_string().contains("must begin with http://"),
                "{error}"
            );
        }
        assert!(check_url("http://").unwrap_err().to_string().starts_with("--server http://: "));
    }
}
