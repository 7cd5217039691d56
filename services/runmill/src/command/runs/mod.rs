//! Shows, compares and changes runs.

mod compare;
mod list;
mod rescore;
mod results;
mod watch;

use runmill_proto::{
    ErrorKind, RunId, RunStatus,
    api::{Extension, Run, RunPatch},
};
use runmill_runtime::stop_signals;

use crate::{
    archive::ArchivedRun,
    cli::{RunArg, RunChange, RunsAction, RunsArgs},
    client::Client,
    command::{
        follow::{Output, follow_here},
        print_json,
    },
    exit::{ExitCode, usage},
    process::Process,
    run::{connect, gate::Gate, named, rescoring, submit::Submitted, summary},
    screen::{note, print},
    service::standalone::{Services, Standalone},
};

/// Shows or changes runs of a server, or those of the data directory if no server is named.
pub async fn run(args: RunsArgs) -> anyhow::Result<ExitCode> {
    let process = Process::load()?;
    match &args.action {
        RunsAction::Show { run, archive: Some(folder) } => {
            let id = results::archived_id(&run.run)?;
            return show(&ArchivedRun::open(folder, id).await?.run, args.json);
        }
        RunsAction::Results(asked) => {
            if let Some(folder) = &asked.archive {
                return results::show_archived(folder, asked).await;
            }
        }
        _ => {}
    }
    if let Some(client) = connect(&process, &args.server)? {
        return act(&client, &args).await;
    }
    match &args.action {
        RunsAction::Resume { run, out } => {
            return resume_here(&process, run, Output::open(args.json, out)?).await;
        }
        RunsAction::RetryFailed { run, kinds } => return retry_here(&process, run, kinds, args.json).await,
        _ => {}
    }
    let local = Standalone::for_command(&process, Services::ApiOnly).await?;
    let ended = act_here(&local, &args).await;
    local.stop(futures::stream::pending()).await?;
    ended
}

/// Works on a run of the data directory until it ends, as the command that submitted it did.
async fn resume_here(process: &Process, run: &RunArg, output: Output) -> anyhow::Result<ExitCode> {
    follow_here(process, output, stop_signals()?, async |local: &Standalone| {
        let run = local.client.run(named::find(&local.client, &run.run).await?).await?;
        if run.status.is_terminal() {
            return usage(after_end(&run));
        }
        Ok((Submitted::resumed(run), Gate::default()))
    })
    .await
}

/// Retries the failed items of a run of the data directory, and works on them until it ends.
async fn retry_here(
    process: &Process,
    run: &RunArg,
    kinds: &[ErrorKind],
    json: bool,
) -> anyhow::Result<ExitCode> {
    follow_here(process, Output::open(json, &[])?, stop_signals()?, async |local: &Standalone| {
        let id = named::find(&local.client, &run.run).await?;
        let run = local.client.steer(id, &retry(kinds)).await?;
        Ok((Submitted::resumed(run), Gate::default()))
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
    let client = &local.client;
    let is_idle = |run: &Run| Ok(!local.is_worked_on(run.id)?);
    match &args.action {
        RunsAction::List { limit } => list::list(client, *limit, args.json, is_idle).await,
        RunsAction::Show { run, .. } | RunsAction::Watch { run } => {
            let run = client.run(named::find(client, &run.run).await?).await?;
            if !run.status.is_terminal() && is_idle(&run)? {
                note!("no command works on {0}; `runmill runs resume {0}` does", run.id);
            }
            act(client, args).await
        }
        RunsAction::Cancel { run, graceful } => {
            let id = named::find(client, &run.run).await?;
            client.steer(id, cancel(*graceful)).await?;
            local.end_canceled(id).await?;
            show(&client.run(id).await?, args.json)
        }
        RunsAction::Delete { .. } => {
            let code = act(client, args).await?;
            local.sweep().await?;
            Ok(code)
        }
        RunsAction::Extend { run, .. } => {
            let id = named::find(client, &run.run).await?;
            let code = act(client, args).await?;
            note!("`runmill runs resume {id}` works on them");
            Ok(code)
        }
        RunsAction::Rescore { run, .. } => {
            let id = named::find(client, &run.run).await?;
            rescoring::ask(client, id, rescore::scoring(&args.action)).await?;
            // No service of this process scores by itself.
            local.rescore(id).await?;
            rescored(client, id, args.json).await
        }
        _ => act(client, args).await,
    }
}

async fn act(client: &Client, args: &RunsArgs) -> anyhow::Result<ExitCode> {
    let find = async |run: &RunArg| named::find(client, &run.run).await;
    let run = match &args.action {
        RunsAction::List { limit } => return list::list(client, *limit, args.json, |_| Ok(false)).await,
        RunsAction::Show { run, .. } => client.run(find(run).await?).await?,
        RunsAction::Watch { run } => return watch::watch(client, find(run).await?, args.json).await,
        RunsAction::Results(asked) => {
            return results::show(client, find(&asked.run).await?, asked).await;
        }
        RunsAction::Export(asked) => {
            return results::export(client, find(&asked.run).await?, asked).await;
        }
        RunsAction::Compare { a, b, changed } => {
            let runs = (named::find(client, a).await?, named::find(client, b).await?);
            return compare::compare(client, runs, *changed, args.json).await;
        }
        RunsAction::Rescore { run, .. } => {
            let id = find(run).await?;
            rescoring::ask(client, id, rescore::scoring(&args.action)).await?;
            return rescored(client, id, args.json).await;
        }
        RunsAction::Delete { run } => {
            let id = find(run).await?;
            client.delete_run(id).await?;
            print(format_args!("the run {id} and its results were deleted"))?;
            return Ok(ExitCode::Completed);
        }
        RunsAction::Resume { out, .. } if !out.is_empty() => {
            return usage(
                "--out goes with a run of the data directory: `runmill runs results` reads a server's",
            );
        }
        RunsAction::Cancel { run, graceful } => client.steer(find(run).await?, cancel(*graceful)).await?,
        RunsAction::Pause { run } => client.steer(find(run).await?, "pause").await?,
        RunsAction::Resume { run, .. } => client.steer(find(run).await?, "resume").await?,
        RunsAction::RetryFailed { run, kinds } => client.steer(find(run).await?, &retry(kinds)).await?,
        RunsAction::Set { run, change } => client.patch_run(find(run).await?, &patch(change)).await?,
        RunsAction::Extend { run, samples } => {
            client.extend_run(find(run).await?, &Extension { samples: *samples }).await?
        }
    };
    show(&run, args.json)
}

/// Waits for the scores that were asked for, and shows them.
async fn rescored(client: &Client, id: RunId, json: bool) -> anyhow::Result<ExitCode> {
    let run = rescoring::await_scores(client, id).await?;
    if json {
        return show(&run, json);
    }
    print(rescore::table(&run, &client.first_scores(id).await?).for_stdout())?;
    Ok(ExitCode::Completed)
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

fn show(run: &Run, json: bool) -> anyhow::Result<ExitCode> {
    if json {
        print_json(run)?;
    } else {
        print(summary::table(run, None))?;
    }
    Ok(ExitCode::Completed)
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
