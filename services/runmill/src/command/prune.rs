use std::path::Path;

use anyhow::Context;
use runmill_proto::api::{Dataset, Page, Run};
use serde::Serialize;

use crate::{
    archive::{write_dataset, write_run},
    cli::PruneArgs,
    client::{Client, ClientError},
    command::print_json,
    exit::ExitCode,
    process::Process,
    run::connect,
    screen::print,
    service::standalone::{Services, Standalone},
};

/// Numbers of what was removed, or would be.
#[derive(Default, Serialize)]
struct Pruned {
    runs: u64,
    results: u64,
    datasets: u64,
}

/// Removes old runs, and datasets that no run uses, of a server or of the data directory.
pub async fn run(args: PruneArgs) -> anyhow::Result<ExitCode> {
    let process = Process::load()?;
    let before = args.older_than.before(process.clock.now()).to_string();
    if let Some(client) = connect(&process, &args.server)? {
        let pruned = prune(&client, &args, &before).await?;
        return report(&pruned, &args);
    }
    let local = Standalone::for_command(&process, Services::ApiOnly).await?;
    let pruned = prune(&local.client, &args, &before).await;
    let swept = local.sweep().await;
    local.stop(futures::stream::pending()).await?;
    swept?;
    report(&pruned?, &args)
}

async fn prune(client: &Client, args: &PruneArgs, before: &str) -> anyhow::Result<Pruned> {
    let mut pruned = Pruned::default();
    let mut after = None;
    loop {
        let page: Page<Run> = client.ended_runs(before, after.as_deref()).await?;
        for run in &page.items {
            if remove_run(client, args, run).await? {
                pruned.runs += 1;
                pruned.results += run.counters.settled;
            }
        }
        let Some(next) = page.next else { break };
        after = Some(next);
    }
    let mut after = None;
    loop {
        let page: Page<Dataset> = client.unused_datasets(before, after.as_deref()).await?;
        for dataset in &page.items {
            pruned.datasets += u64::from(remove_dataset(client, args, dataset).await?);
        }
        let Some(next) = page.next else { break };
        after = Some(next);
    }
    Ok(pruned)
}

/// Archives and removes a run. Returns false if it goes on meanwhile, or if someone else has removed it.
async fn remove_run(client: &Client, args: &PruneArgs, run: &Run) -> anyhow::Result<bool> {
    if args.dry_run {
        return Ok(true);
    }
    if let Some(folder) = &args.archive {
        write_run(client, folder, run).await.with_context(|| kept(folder))?;
    }
    removed(client.delete_run(run.id).await)
}

async fn remove_dataset(client: &Client, args: &PruneArgs, dataset: &Dataset) -> anyhow::Result<bool> {
    if args.dry_run {
        return Ok(true);
    }
    if let Some(folder) = &args.archive {
        write_dataset(client, folder, dataset).await.with_context(|| kept(folder))?;
    }
    removed(client.delete_dataset(dataset.id).await)
}

fn kept(folder: &Path) -> String {
    format!("the archive {} does not take more: what is not in it is kept", folder.display())
}

fn removed(done: Result<(), ClientError>) -> anyhow::Result<bool> {
    match done {
        Ok(()) => Ok(true),
        Err(error) if error.is_of_the_state() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn report(pruned: &Pruned, args: &PruneArgs) -> anyhow::Result<ExitCode> {
    if args.json {
        print_json(pruned)?;
        return Ok(ExitCode::Completed);
    }
    let Pruned { runs, results, datasets } = pruned;
    let done = if args.dry_run { "would be deleted" } else { "were deleted" };
    print(format_args!(
        "older than {}: {runs} runs with {results} results, and {datasets} datasets {done}",
        args.older_than
    ))?;
    Ok(ExitCode::Completed)
}
