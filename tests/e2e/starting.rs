//! A service that cannot work ends soon, with the reason.

use std::{net::TcpListener, process::Output, time::Duration};

use futures::future::join_all;
use runmill_testkit::{DeadPort, amqp_url, postgres::TestDatabase};
use tokio::time::Instant;

use crate::support::{Command, within};

const KEY: &str = "e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0";
const PASSWORD: &str = "hunter2hunter2";
const ENDS_WITHIN: Duration = Duration::from_secs(10);

fn service(name: &str, database_url: &str, amqp_url: &str) -> Command {
    Command::runmill(&[name])
        .env("DATABASE_URL", database_url)
        .env("AMQP_URL", amqp_url)
        .env("ENCRYPTION_KEY", KEY)
        .env("RUNMILL_TOKENS", "admin:0123456789abcdef")
        .env("RUNMILL_LISTEN", "127.0.0.1:0")
}

/// Runs the command, which must end in time and must not print the password. Returns its exit code and its output.
async fn refusal(command: Command) -> (Option<i32>, String) {
    let begun = Instant::now();
    let Output { status, stdout, stderr } = command.output().await;
    let said = [stdout, stderr].concat();
    let said = String::from_utf8(said).unwrap();
    assert!(begun.elapsed() < ENDS_WITHIN, "{:?}: {said}", begun.elapsed());
    assert!(!said.contains(PASSWORD), "{said}");
    (status.code(), said)
}

#[tokio::test]
async fn without_a_usable_key_nothing_that_needs_one_starts() {
    let nowhere = "postgresql://127.0.0.1:1/none";
    for name in ["dispatcher", "executor"] {
        for (key, fault) in [
            ("", "ENCRYPTION_KEY is not set"),
            ("5ec7e75ec7e7", "ENCRYPTION_KEY: key 1 has 12 characters, and 64 hex digits"),
        ] {
            let (code, said) =
                refusal(service(name, nowhere, "amqp://127.0.0.1:1").env("ENCRYPTION_KEY", key)).await;
            assert_eq!(code, Some(2), "{name}: {said}");
            assert!(said.contains(fault) && !said.contains("5ec7e7"), "{name}: {said}");
        }
    }
}

/// Returns two addresses. Nothing listens on the first; the second accepts connections and never answers, as long as the
/// returned port and listener live.
fn dead_addresses() -> ([String; 2], (DeadPort, TcpListener)) {
    let (gone, silent) = (DeadPort::take(), TcpListener::bind("127.0.0.1:0").unwrap());
    ([gone.address().to_string(), silent.local_addr().unwrap().to_string()], (gone, silent))
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_is_named() {
    let (addresses, _kept) = dead_addresses();
    let starts = addresses.iter().flat_map(|address| ["dispatcher", "log-sink"].map(|name| (address, name)));
    join_all(starts.map(|(address, name)| async move {
        let url = format!("postgresql://me:{PASSWORD}@{address}/runmill");
        let (code, said) = refusal(service(name, &url, &amqp_url())).await;
        assert_eq!(code, Some(3), "{name}: {said}");
        assert!(said.contains("DATABASE_URL") && said.contains(address), "{name}: {said}");
    }))
    .await;
}

#[tokio::test]
async fn a_service_that_still_waits_for_its_servers_stops_in_order() {
    join_all(["dispatcher", "executor", "log-sink", "serve"].map(|name| async move {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("postgresql://{}/runmill", silent.local_addr().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().display().to_string();
        let process = service(name, &url, &amqp_url()).env("RUNMILL_DATA_DIR", &data_dir).start();
        let _connection = within("the connection to the database", silent.accept()).await.unwrap();
        process.signal("TERM");
        // `None` would be the signal's own end, which the first process of a container does not have.
        assert_eq!(process.ended().await, Some(0), "{name}: {}", process.log());
    }))
    .await;
}

#[tokio::test]
async fn a_broker_that_cannot_be_reached_is_named() {
    let database = TestDatabase::create().await;
    let (addresses, _kept) = dead_addresses();
    let starts = addresses.iter().flat_map(|address| ["executor", "log-sink"].map(|name| (address, name)));
    join_all(starts.map(|(address, name)| {
        let database_url = database.url();
        async move {
            let url = format!("amqp://me:{PASSWORD}@{address}/%2f");
            let (code, said) = refusal(service(name, database_url, &url)).await;
            assert_eq!(code, Some(3), "{name}: {said}");
            assert!(said.contains("AMQP_URL") && said.contains(address), "{name}: {said}");
        }
    }))
    .await;
}

#[tokio::test]
async fn a_dispatcher_without_any_admins_token_says_how_to_make_one() {
    let database = TestDatabase::create().await;
    let command = service("dispatcher", database.url(), "amqp://127.0.0.1:1").env("RUNMILL_TOKENS", "");

    let (code, said) = refusal(command).await;

    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("RUNMILL_TOKENS is not set") && said.contains("runmill tokens create"), "{said}");
}
