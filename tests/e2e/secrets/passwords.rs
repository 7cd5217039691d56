use futures::future::join_all;
use reqwest::Url;

use super::{
    LOG_EVERYTHING,
    needles::{ENCRYPTION_KEY, PASSWORD, TOKEN},
};
use crate::support::{Command, cluster::Servers};

/// Starts commands and services with servers that refuse them or are away, all of them with a password. Returns what they
/// said.
pub async fn refusals(servers: &Servers) -> Vec<(String, String)> {
    let amqp_refused = with_password(&servers.amqp_url, None);
    let amqp_away = with_password(&servers.amqp_url, Some(1));
    let database_away = with_password(&servers.database_url, Some(1));
    let starts = [
        ("doctor", &database_away, &amqp_refused),
        ("doctor", &servers.database_url, &amqp_away),
        ("executor", &servers.database_url, &amqp_refused),
        ("log-sink", &database_away, &amqp_away),
        ("dispatcher", &servers.database_url, &amqp_away),
    ];
    join_all(starts.map(|(name, database_url, amqp_url)| refusal(name, database_url, amqp_url))).await
}

async fn refusal(name: &str, database_url: &str, amqp_url: &str) -> (String, String) {
    let command = Command::runmill(&[name])
        .env("APP_LOG_LEVEL", LOG_EVERYTHING)
        .env("DATABASE_URL", database_url)
        .env("AMQP_URL", amqp_url)
        .env("ENCRYPTION_KEY", ENCRYPTION_KEY)
        .env("RUNMILL_TOKENS", &format!("admin:{TOKEN}"))
        .env("RUNMILL_LISTEN", "127.0.0.1:0");
    let output = command.output().await;
    assert!(!output.status.success(), "{name} has what it needs");
    let printed = [output.stdout, output.stderr].concat();
    assert!(!printed.is_empty(), "{name} says why");
    (format!("a refused {name}"), String::from_utf8_lossy(&printed).into_owned())
}

/// Returns the URL with the planted password and, if it is given, another port.
fn with_password(url: &str, port: Option<u16>) -> String {
    let mut url: Url = url.parse().unwrap();
    url.set_password(Some(PASSWORD)).expect("the URL has a host");
    if port.is_some() {
        url.set_port(port).expect("the URL has a host");
    }
    url.into()
}
