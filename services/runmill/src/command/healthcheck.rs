use std::{
    fmt::Write as _,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use anyhow::Context;
use reqwest::{Client, Url, redirect::Policy};
use runmill_config::{Config, Env};
use serde::Deserialize;

use crate::{cli::HealthcheckArgs, exit::ExitCode, screen::print};

/// Longest wait for the answer. The orchestrator that asks has a limit of its own, which should be above it.
const ANSWERED_WITHIN: Duration = Duration::from_secs(2);

/// Answer of `/readyz`.
#[derive(Debug, Deserialize)]
struct Readiness {
    #[serde(default)]
    unready: Vec<Unready>,
}

#[derive(Debug, Deserialize)]
struct Unready {
    part: String,
    reason: String,
}

/// Asks a service of this machine if it is ready, and prints the reasons if it is not. It is for images without `curl`.
pub async fn run(args: HealthcheckArgs) -> anyhow::Result<ExitCode> {
    let url = match args.url {
        Some(url) => url,
        None => own_url(ops_listen()?)?,
    };
    let http = Client::builder().no_proxy().redirect(Policy::none()).timeout(ANSWERED_WITHIN).build()?;
    // Its error is none of those that have an exit code of their own.
    let response = http.get(url.clone()).send().await.with_context(|| format!("asking {url}"))?;
    let status = response.status();
    if status.is_success() {
        print("ready")?;
        return Ok(ExitCode::Completed);
    }
    let body = response.text().await.unwrap_or_default();
    print(format_args!("not ready ({status}){}", reasons(&body)))?;
    Ok(ExitCode::Failed)
}

/// Returns the address of the service's listener. A fault of the settings is an error without a code of its own: Docker knows
/// only 0 and 1.
fn ops_listen() -> anyhow::Result<SocketAddr> {
    let config = Config::load(&Env::process()?).map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(config.ops_listen)
}

/// Returns the URL of a listener of this machine. One on all addresses is asked at the loopback address.
fn own_url(listen: SocketAddr) -> anyhow::Result<Url> {
    anyhow::ensure!(
        listen.port() != 0,
        "the system chose the port of RUNMILL_OPS_LISTEN={listen}: set a port there, or state --url"
    );
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    Ok(format!("http://{}/readyz", SocketAddr::new(ip, listen.port())).parse()?)
}

/// Returns a line for each part that is not ready, or the beginning of an answer of another program.
fn reasons(body: &str) -> String {
    const SHOWN: usize = 200;
    let Ok(Readiness { unready }) = serde_json::from_str(body) else {
        return format!(": {}", body.chars().take(SHOWN).collect::<String>());
    };
    unready.iter().fold(String::new(), |mut lines, Unready { part, reason }| {
        let _infallible = write!(lines, "\n{part}: {reason}");
        lines
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_all_addresses_is_asked_at_the_loopback_address() {
        for (listen, want) in [
            ("0.0.0.0:9090", "http://127.0.0.1:9090/readyz"),
            ("[::]:9090", "http://[::1]:9090/readyz"),
            ("127.0.0.1:1", "http://127.0.0.1:1/readyz"),
            ("10.1.2.3:9090", "http://10.1.2.3:9090/readyz"),
        ] {
            assert_eq!(own_url(listen.parse().unwrap()).unwrap().as_str(), want);
        }
        let error = own_url("127.0.0.1:0".parse().unwrap()).unwrap_err();
        assert!(error.to_string().contains("--url"), "{error}");
    }

    #[test]
    fn each_part_that_is_not_ready_has_a_line() {
        let body = r#"{"status":"unready","unready":[{"part":"broker","reason":"gone"},{"part":"database","reason":"slow"}]}"#;
        assert_eq!(reasons(body), "\nbroker: gone\ndatabase: slow");
        assert_eq!(reasons("<html>"), ": <html>");
    }
}
