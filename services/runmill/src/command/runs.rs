use std::{path::Path, time::Duration};

use comfy_table::{Table, presets};
use futures::StreamExt;
use reqwest::Response;
use runmill_llm::sse::SseDecoder;
use runmill_proto::{
    ErrorKind, RunId, RunStatus,
    api::{Extension, Run, RunEvent, RunPatch},
};
use runmill_runtime::stop_signals;
use tokio::time::sleep;

use crate::{
    archive::ArchivedRun,
    cli::{RunChange, RunsAction, RunsArgs},
    client::Client,
    command::{
        follow::{Output, follow_here},
        print_json,
    },
    exit::{ExitCode, usage},
    process::Process,
    run::{Contact, connect, results_file::ResultsFile, submit::Submitted, summary},
    screen::{PrintError, note, print},
    service::standalone::{Services, Standalone},
};

/// Time between two attempts to read the events of a server.
const RECONNECT_INTERVAL: Duration = Duration::from_millis(200);

/// Shows or changes runs of a server, or those of the data directory if no server is named.
pub async fn run(args: RunsArgs) -> anyhow::Result<ExitCode> {
    let process = Process::load()?;
    match &args.action {
        RunsAction::Show { id, archive: Some(folder) } => {
            return show(&ArchivedRun::open(folder, *id).await?.run, args.json);
        }
        RunsAction::Results { id, out, archive: Some(folder) } => {
            let archived = ArchivedRun::open(folder, *id).await?;
            ResultsFile::open(out)?.write_lines(archived.results()).await?;
            return Ok(ExitCode::Completed);
        }
        _ => {}
    }
    if let Some(client) = connect(&process, &args.server)? {
        return act(&client, &args).await;
    }
    if let RunsAction::Resume { id, out } = &args.action {
        return resume_here(&process, *id, Output::open(args.json, out.as_deref())?).await;
    }
    let local = Standalone::for_command(&process, Services::ApiOnly).await?;
    let ended = act_here(&local, &args).await;
    local.stop(futures::stream::pending()).await?;
    ended
}

/// Works on a run of the data directory until it ends, as the command that submitted it did.
async fn resume_here(process: &Process, id: RunId, output: Output) -> anyhow::Result<ExitCode> {
    follow_here(process, output, stop_signals()?, async |local: &Standalone| {
        let run = local.client.run(id).await?;
        if run.status.is_terminal() {
            return usage(after_end(&run));
        }
        Ok(Submitted { run, resumed: true, kept: None, missing_key: None })
    })
    .await
}

/// Returns the actions that are possible after the end of a run. Failed items of a canceled run are not tried again.
fn after_end(run: &Run) -> String {
    let (id, status) = (run.id, run.status);
    let results = format!("the run is {status}; `runmill runs results {id}` prints its results");
    if status == RunStatus::Canceled || run.counters.failed == 0 {
        return results;
    }
    format!("{results}, and `runmill runs retry-failed {id}` tries its failed items again")
}

/// As [`act`], for the data directory, whose runs make progress only while a command works on them.
async fn act_here(local: &Standalone, args: &RunsArgs) -> anyhow::Result<ExitCode> {
    match args.action {
        RunsAction::Cancel { id, graceful } => {
            local.client.steer(id, cancel(graceful)).await?;
            local.end_canceled(id).await?;
            show(&local.client.run(id).await?, args.json)
        }
        RunsAction::Delete { .. } => {
            let code = act(&local.client, args).await?;
            local.sweep().await?;
            Ok(code)
        }
        RunsAction::RetryFailed { id, .. } | RunsAction::Extend { id, .. } => {
            let code = act(&local.client, args).await?;
            note!("`runmill runs resume {id}` works on them");
            Ok(code)
        }
        _ => act(&local.client, args).await,
    }
}

async fn act(client: &Client, args: &RunsArgs) -> anyhow::Result<ExitCode> {
    let run = match &args.action {
        RunsAction::List { limit } => return list(client, *limit, args.json).await,
        RunsAction::Show { id, .. } => return show(&client.run(*id).await?, args.json),
        RunsAction::Watch { id } => return watch(client, *id, args.json).await,
        RunsAction::Results { id, out, .. } => return results(client, *id, out).await,
        RunsAction::Delete { id } => {
            client.delete_run(*id).await?;
            print(format_args!("the run {id} and its results were deleted"))?;
            return Ok(ExitCode::Completed);
        }
        RunsAction::Resume { out: Some(_), .. } => {
            return usage(
                "--out goes with a run of the data directory: `runmill runs results` reads a server's",
            );
        }
        RunsAction::Cancel { id, graceful } => client.steer(*id, cancel(*graceful)).await?,
        RunsAction::Pause { id } => client.steer(*id, "pause").await?,
        RunsAction::Resume { id, out: None } => client.steer(*id, "resume").await?,
        RunsAction::RetryFailed { id, kinds } => client.steer(*id, &retry(kinds)).await?,
        RunsAction::Set { id, change } => client.patch_run(*id, &patch(change)).await?,
        RunsAction::Extend { id, samples } => {
            client.extend_run(*id, &Extension { samples: *samples }).await?
        }
    };
    show(&run, args.json)
}

const fn cancel(graceful: bool) -> &'static str {
    if graceful { "cancel?graceful=true" } else { "cancel" }
}

fn retry(kinds: &[ErrorKind]) -> String {
    let names: Vec<_> = kinds.iter().map(|kind| kind.as_str()).collect();
    if names.is_empty() {
        "retry-failed".to_owned()
    } else {
        format!("retry-failed?kinds={}", names.join(","))
    }
}

fn patch(change: &RunChange) -> RunPatch {
    let concurrency = if change.no_concurrency { Some(None) } else { change.concurrency.map(Some) };
    RunPatch { priority: change.priority, concurrency, budget: None }
}

/// Writes the results that a run has so far, and says so if there are more to come.
async fn results(client: &Client, id: RunId, out: &Path) -> anyhow::Result<ExitCode> {
    let file = ResultsFile::open(out)?;
    let run = client.run(id).await?;
    // The user asks for what is there now, so it is whole.
    file.write(client, id, true).await?;
    if !run.status.is_terminal() {
        note!("the run is {}: {} of {} settled", run.status, run.counters.settled, run.counters.total);
    }
    Ok(ExitCode::Completed)
}

async fn list(client: &Client, limit: u32, json: bool) -> anyhow::Result<ExitCode> {
    let page = client.runs(limit).await?;
    if json {
        print_json(&page.items)?;
        return Ok(ExitCode::Completed);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["run", "status", "model", "settled", "failed", "score", "created"]);
    for run in &page.items {
        table.add_row([
            run.id.to_string(),
            summary::status_word(run),
            run.model.clone(),
            format!("{}/{}", run.counters.settled, run.counters.total),
            run.counters.failed.to_string(),
            summary::score(&run.score),
            run.created_at.strftime("%Y-%m-%d %H:%M").to_string(),
        ]);
    }
    print(table)?;
    Ok(ExitCode::Completed)
}

fn show(run: &Run, json: bool) -> anyhow::Result<ExitCode> {
    if json {
        print_json(run)?;
    } else {
        print(summary::table(run, None))?;
    }
    Ok(ExitCode::Completed)
}

/// Prints events until the run ends. After a broken connection it continues with the next event.
async fn watch(client: &Client, id: RunId, json: bool) -> anyhow::Result<ExitCode> {
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
        return print(data);
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
            item.question
        )),
        RunEvent::RunLog(log) => match &log.error {
            Some(error) => print(format_args!("attempt   {}.{} {error}", log.ordinal, log.sample)),
            None => Ok(()),
        },
        RunEvent::End(end) => print(format_args!("end       {}", end.status)),
        RunEvent::Snapshot { .. } | RunEvent::Unknown => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use runmill_proto::api::RunCounters;

    use super::*;
    use crate::run::testing;

    #[test]
    fn only_a_run_with_failures_that_can_be_tried_again_says_so() {
        let run = |status, failed| Run {
            status,
            counters: RunCounters { failed, ..RunCounters::default() },
            ..testing::run()
        };
        let table = [
            (RunStatus::Completed, 1, true),
            (RunStatus::Completed, 0, false),
            (RunStatus::Canceled, 1, false),
        ];
        for (status, failed, want) in table {
            let text = after_end(&run(status, failed));
            assert_eq!(text.contains("retry-failed"), want, "{text}");
        }
    }
}
