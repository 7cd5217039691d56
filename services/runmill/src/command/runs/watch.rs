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
    screen::{note, one_line, print, print_data},
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

/// Ordinal and sample of a job, number of attempts before this one, and its error.
type Attempt = (u32, u32, u64, String);

/// Prints the events of one connection, and counts them in `after`. Returns the exit code if the run has ended.
async fn print_events(response: Response, after: &mut u64, json: bool) -> anyhow::Result<Option<ExitCode>> {
    let mut body = response.bytes_stream();
    let mut decoder = SseDecoder::default();
    let mut attempt = None;
    while let Some(Ok(piece)) = body.next().await {
        decoder.push(piece);
        while let Some(event) = decoder.next()? {
            let Ok(data) = serde_json::from_str::<RunEvent>(event.data) else { continue };
            if json {
                print_data(event.data)?;
            } else if let Some(line) = line(&data, &mut attempt) {
                print(line)?;
            }
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

/// Returns the line that tells of an event. `attempt` is the last one that was told: the end of a call repeats the error of its
/// last attempt.
fn line(event: &RunEvent, attempt: &mut Option<Attempt>) -> Option<String> {
    Some(match event {
        RunEvent::RunStatus(status) => format!("status    {}", status.status),
        RunEvent::RunProgress(progress) => {
            format!("progress  {}/{} settled", progress.counters.settled, progress.counters.total)
        }
        RunEvent::RunItem(item) => {
            let score = item.score.as_ref().and_then(|score| score.value);
            let score = score.map(|value| format!(" {value}")).unwrap_or_default();
            let fault = item.error_kind.map(|kind| format!(" ({kind})")).unwrap_or_default();
            format!("item      {} {}{score}{fault}  {}", item.item_id, item.outcome, one_line(&item.question))
        }
        RunEvent::RunLog(log) => {
            let error = log.error.clone()?;
            let this = Some((log.ordinal, log.sample, log.retry_count, error));
            if log.outcome.is_some() || this == *attempt {
                return None;
            }
            *attempt = this;
            let error = one_line(log.error.as_deref().unwrap_or_default());
            format!("attempt   {}.{} {error}", log.ordinal, log.sample)
        }
        RunEvent::End(end) => format!("end       {}", end.status),
        RunEvent::Snapshot { .. } | RunEvent::Unknown => return None,
    })
}

#[cfg(test)]
mod tests {
    use runmill_proto::Outcome;
    use serde_json::json;

    use super::*;

    fn log(retry_count: u64, outcome: Option<Outcome>) -> RunEvent {
        let nil = "00000000000000000000000000000000";
        let log = json!({"type": "run_log", "runId": format!("run_{nil}"), "ordinal": 3, "sample": 0, "providerId": format!("prov_{nil}"),
            "model": "m", "outcome": outcome, "errorKind": "rate_limited", "error": "slow\ndown", "retryCount": retry_count,
            "latencyMs": 1, "ttftMs": null, "streamed": true, "usage": null});
        serde_json::from_value(log).unwrap()
    }

    #[test]
    fn an_attempt_that_failed_has_one_line() {
        let mut attempt = None;
        let mut told = |event| line(&event, &mut attempt);
        assert_eq!(told(log(0, None)).as_deref(), Some("attempt   3.0 slow down"));
        assert!(told(log(1, None)).is_some(), "the second attempt");
        assert_eq!(told(log(1, None)), None, "the call was put off after it");
        assert_eq!(told(log(1, Some(Outcome::Failed))), None, "the line of the item tells the end");
    }
}
