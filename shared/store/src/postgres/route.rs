use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::{Client, Config, Error, SimpleQueryMessage};
use uuid::Uuid;

use super::{
    connect::with_options,
    session::{KnownTypes, Route},
    tls::Connector,
};
use crate::StoreError;

/// Parameter with which a session is marked. A server keeps any parameter with a dot in its name.
const MARK: &str = "runmill.session";

/// Finds out if a pooler stands between, by a mark in the options of the connection. The server itself shows the mark
/// again. A pooler refuses such options, or ignores them, because its sessions have begun before.
pub async fn find(config: &Config, tls: Connector, limit: Duration) -> Result<Route, StoreError> {
    match timeout(limit, is_direct(config, tls)).await {
        Ok(Ok(true)) => Ok(Route::Direct),
        Ok(Ok(false)) => {
            tracing::info!(
                event = "store.pooled",
                "a pooler stands before PostgreSQL: statements have no names"
            );
            Ok(Route::Pooled(KnownTypes::default()))
        }
        Ok(Err(error)) => Err(error.into()),
        Err(_elapsed) => Err(StoreError::Unavailable(format!("no answer within {limit:?}"))),
    }
}

async fn is_direct(config: &Config, tls: Connector) -> Result<bool, Error> {
    let mark = Uuid::now_v7().simple().to_string();
    let mut marked = config.clone();
    marked.options(format!("{} -c {MARK}={mark}", with_options(config)));
    let (client, connection) = match marked.connect(tls).await {
        Ok(connected) => connected,
        Err(error) if refuses_options(&error) => return Ok(false),
        Err(error) => return Err(error),
    };
    let running = tokio::spawn(connection);
    let shown = shown(&client).await;
    running.abort();
    Ok(shown? == Some(mark))
}

async fn shown(client: &Client) -> Result<Option<String>, Error> {
    let query = format!("SELECT /* session.mark */ current_setting('{MARK}', true)");
    let answer = client.simple_query(&query).await?;
    Ok(answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    }))
}

/// Returns true for the answers of poolers to options that they do not know: a violation of the protocol (`PgBouncer`),
/// or a feature that is not supported.
fn refuses_options(error: &Error) -> bool {
    error.code().is_some_and(|code| matches!(code.code(), "08P01" | "0A000"))
}
