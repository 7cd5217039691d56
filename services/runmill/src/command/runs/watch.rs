use std::time::Duration;

use futures::StreamExt;
use reqwest::Response;
use runmill_llm::sse::SseDecoder;
use runmill_proto::{RunId, RunStatus, api::RunEvent};
use tokio::time::sleep;

use crate::{
    client::Client,
    exit::ExitCode,
    run::Contact,
    screen::{PrintError, note, one_line, print, print_data},
};

/// Time between two attempts to read the events of a server.
const RECONNECT_INTERVAL: Duration = Duration::from_millis(200);

/// Prints events until the run ends. After a broken connection it continues with the next event.
pub async fn watch(client: &Client, id: RunId, json: bool) -> anyhow::Result<ExitCode> {
    let mut after = 0;
    let mut contact: Option<Contact> = None;
    loop {
        let response = match (client.events(id, after).await, &mut contact) {
            (Ok(response), _) => response,
            (Err(error), Some(contact)) => {
                contact.failed(error)?.iter().for_each(|text| note!("{text}"));
                sleep(RECONNECT_INTERVAL).await;
                continue;
            }
            // A server that was never there is not waited for.
            (Err(error), None) => return Err(error.into()),
        };
        contact.get_or_insert_default().answered().iter().for_each(|text| note!("{text}"));
        if let Some(code) = print_events(response, &mut after, json).await? {
            return Ok(code);
        }
        // The time that the server may be away begins now.
        contact = Some(Contact::default());
        tracing::info!(event = "watch.reconnect", after);
        sleep(RECONNECT_INTERVAL).await;
    }
}

/// Prints the events of one connection, and counts them in `after`. Returns the exit code if the run has ended.
async fn print_events(response: Response, after: &mut u64, json: bool) -> anyhow::Result<Option<ExitCode>> {
    let mut body = response.bytes_stream();
    let mut decoder = SseDecoder::default();
    while let Some(Ok(piece)) = body.next().await {
        decoder.push(piece);
        while let Some(event) = decoder.next()? {
            let Ok(data) = serde_json::from_str::<RunEvent>(event.data) else { continue };
            print_event(&data, event.data, json)?;
            match data {
                RunEvent::End(end) => {
                    let completed = end.status == RunStatus::Completed;
                    return Ok(Some(if completed { ExitCode::Completed } else { ExitCode::Failed }));
                }
                // Snapshots have no number, so `after` stays as it is.
                RunEvent::Snapshot { .. } => {}
                _ => *after += 1,
            }
        }
    }
    Ok(None)
}

fn print_event(event: &RunEvent, data: &str, json: bool) -> Result<(), PrintError> {
    if json {
        return print_data(data);
    }
    match event {
        RunEvent::RunStatus(status) => print(format_args!("status    {}", status.status)),
        RunEvent::RunProgress(progress) => {
            print(format_args!("progress  {}/{} settled", progress.counters.settled, progress.counters.total))
        }
        RunEvent::RunItem(item) => print(format_args!(
            "item      {} {}{}  {}",
            item.item_id,
            item.outcome,
            item.score.as_ref().and_then(|score| score.value).map(|v| format!(" {v}")).unwrap_or_default(),
            one_line(&item.question)
        )),
        RunEvent::RunLog(log) => match &log.error {
            Some(error) => {
                print(format_args!("attempt   {}.{} {}", log.ordinal, log.sample, one_line(error)))
            }
            None => Ok(()),
        },
        RunEvent::End(end) => print(format_args!("end       {}", end.status)),
        RunEvent::Snapshot { .. } | RunEvent::Unknown => Ok(()),
    }
}
