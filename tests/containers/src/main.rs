//! Starts the container of one server for tests, prints its URL, and removes it when standard input ends.
//!
//! `runmill-test-containers rabbitmq | postgres`

use anyhow::{Context, bail};
use testcontainers_modules::{
    postgres::Postgres,
    rabbitmq::RabbitMq,
    testcontainers::{ContainerAsync, Image, ImageExt, runners::AsyncRunner},
};
use tokio::{
    io::{AsyncReadExt, stdin},
    signal,
};

/// Newest supported versions. The oldest are those of Debian's packages.
const RABBITMQ_TAG: &str = "4.1";
const POSTGRES_TAG: &str = "17";

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("rabbitmq") => {
            let server =
                RabbitMq::default().with_tag(RABBITMQ_TAG).start().await.context("starting RabbitMQ")?;
            let address = address(&server, 5672).await?;
            keep(server, &format!("amqp://guest:guest@{address}/%2f")).await
        }
        Some("postgres") => {
            let server =
                Postgres::default().with_tag(POSTGRES_TAG).start().await.context("starting PostgreSQL")?;
            let address = address(&server, 5432).await?;
            keep(server, &format!("postgresql://postgres:postgres@{address}/postgres")).await
        }
        other => bail!("the argument must be rabbitmq or postgres, not {}", other.unwrap_or("missing")),
    }
}

async fn address<I: Image>(server: &ContainerAsync<I>, port: u16) -> anyhow::Result<String> {
    Ok(format!("{}:{}", server.get_host().await?, server.get_host_port_ipv4(port).await?))
}

/// Keeps the container until standard input ends or the user interrupts. An interrupt also reaches the tests, and must
/// not leave the container behind.
async fn keep<I: Image>(server: ContainerAsync<I>, url: &str) -> anyhow::Result<()> {
    println!("{url}");
    let mut input = Vec::new();
    let mut stdin = stdin();
    tokio::select! {
        ended = stdin.read_to_end(&mut input) => { ended?; }
        interrupted = signal::ctrl_c() => interrupted?,
    }
    server.rm().await?;
    // The process exits here, because a return from `main` would wait for the thread that reads standard input.
    std::process::exit(0)
}
