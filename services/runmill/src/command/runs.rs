use anyhow::Context;
use comfy_table::{Table, presets};
use futures::StreamExt;
use runmill_llm::sse::SseDecoder;
use runmill_proto::{
    RunId, RunStatus,
    api::{Run, RunEvent},
};

use crate::{
    cli::{RunsAction, RunsArgs},
    client::Client,
    command::print_json,
    exit::ExitCode,
    process::Process,
    run::{connect, summary},
    service::standalone::{Services, Standalone},
};

/// Shows or changes runs of a server, or those of the data directory if no server is named.
pub async fn run(args: RunsArgs) -> anyhow::Result<ExitCode> {
    let process = Process::load()?;
    if let Some(client) = connect(&process, &args.server)? {
        return act(&client, &args).await;
    }
    let local = Standalone::for_command(&process, Services::ApiOnly).await?;
    let ended = act(&local.client, &args).await;
    local.stop(futures::stream::pending()).await?;
    ended
}

async fn act(client: &Client, args: &RunsArgs) -> anyhow::Result<ExitCode> {
    let (id, action) = match args.action {
        RunsAction::List { limit } => return list(client, limit, args.json).await,
        RunsAction::Show { id } => return show(&client.run(id).await?, args.json),
        RunsAction::Watch { id } => return watch(client, id, args.json).await,
        RunsAction::Cancel { id } => (id, "cancel"),
        RunsAction::Pause { id } => (id, "pause"),
        RunsAction::Resume { id } => (id, "resume"),
        RunsAction::RetryFailed { id } => (id, "retry-failed"),
    };
    show(&client.steer(id, action).await?, args.json)
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
            summary::status(run),
            run.model.clone(),
            format!("{}/{}", run.counters.settled, run.counters.total),
            run.counters.failed.to_string(),
            summary::score(&run.score),
            run.created_at.strftime("%Y-%m-%d %H:%M").to_string(),
        ]);
    }
    println!("{table}");
    Ok(ExitCode::Completed)
}

fn show(run: &Run, json: bool) -> anyhow::Result<ExitCode> {
    if json {
        print_json(run)?;
    } else {
        println!("{}", summary::table(run, None));
    }
    Ok(ExitCode::Completed)
}

/// Prints events until the run ends. After a broken connection it continues with the next event.
async fn watch(client: &Client, id: RunId, json: bool) -> anyhow::Result<ExitCode> {
    let mut after = 0;
    loop {
        let mut body = client.events(id, after).await?.bytes_stream();
        let mut decoder = SseDecoder::default();
        while let Some(Ok(piece)) = body.next().await {
            decoder.push(piece);
            while let Some(event) = decoder.next()? {
                let Ok(data) = serde_json::from_str::<RunEvent>(event.data) else { continue };
                print_event(&data, event.data, json);
                match data {
                    RunEvent::End(end) => {
                        let completed = end.status == RunStatus::Completed;
                        return Ok(if completed { ExitCode::Completed } else { ExitCode::Failed });
                    }
                    // Snapshots have no number, so `after` stays as it is.
                    RunEvent::Snapshot { .. } => {}
                    _ => after += 1,
                }
            }
        }
        tracing::info!(event = "watch.reconnect", after);
        client.run(id).await.context("the stream of events ended early")?;
    }
}

fn print_event(event: &RunEvent, data: &str, json: bool) {
    if json {
        println!("{data}");
        return;
    }
    match event {
        RunEvent::RunStatus(status) => println!("status    {}", status.status),
        RunEvent::RunProgress(progress) => {
            println!("progress  {}/{} settled", progress.counters.settled, progress.counters.total);
        }
        RunEvent::RunItem(item) => println!(
            "item      {} {}{}  {}",
            item.item_id,
            item.outcome,
            item.score.as_ref().and_then(|score| score.value).map(|v| format!(" {v}")).unwrap_or_default(),
            item.question
        ),
        RunEvent::RunLog(log) => {
            if let Some(error) = &log.error {
                println!("attempt   {}.{} {error}", log.ordinal, log.sample);
            }
        }
        RunEvent::End(end) => println!("end       {}", end.status),
        RunEvent::Snapshot { .. } | RunEvent::Unknown => {}
    }
}
