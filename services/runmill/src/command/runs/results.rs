use std::{
    io::{self, IsTerminal, stdout},
    path::Path,
};

use futures::{Stream, StreamExt, TryStreamExt};
use runmill_proto::{
    RunId,
    api::{DetailedResult, ExportFormat, ResultsQuery, Run, ScoreClass},
};

use crate::{
    archive::ArchivedRun,
    cli::{ExportArgs, Format, Only, ResultsArgs, RunName},
    client::Client,
    exit::{ExitCode, usage},
    results::{self, ResultsFile},
    screen::{note, print},
};

/// Shows the results that a run has so far, and says so if there are more to come.
pub async fn show(client: &Client, id: RunId, args: &ResultsArgs) -> anyhow::Result<ExitCode> {
    let query = ResultsQuery { item_id: args.item.clone(), ..query(&args.only) };
    let form = form(args)?;
    let run = client.run(id).await?;
    match form {
        Form::File(path, format) => {
            let file = ResultsFile::open(path, format)?;
            // The user asks for what is there now, so it is whole.
            file.export(client, &run, &query, true).await?;
        }
        Form::Screen => {
            let body = client.results(id, &query).await?.bytes_stream();
            let found = results::records(body.map_err(io::Error::other));
            on_screen(&run, found, args).await?;
        }
    }
    note_progress(&run);
    Ok(ExitCode::Completed)
}

/// Writes the results that a run has so far to a file, and says so if there are more to come.
pub async fn export(client: &Client, id: RunId, args: &ExportArgs) -> anyhow::Result<ExitCode> {
    let file = ResultsFile::open(&args.out, args.format)?;
    let run = client.run(id).await?;
    file.export(client, &run, &query(&args.only), true).await?;
    note_progress(&run);
    Ok(ExitCode::Completed)
}

fn note_progress(run: &Run) {
    if !run.status.is_terminal() {
        note!("the run is {}: {} of {} settled", run.status, run.counters.settled, run.counters.total);
    }
}

/// As [`show`], for the run in a folder of the archive.
pub async fn show_archived(folder: &Path, args: &ResultsArgs) -> anyhow::Result<ExitCode> {
    let form = form(args)?;
    let archived = ArchivedRun::open(folder, archived_id(&args.run.run)?).await?;
    let run = archived.run.clone();
    match form {
        Form::File(path, format) => {
            let file = ResultsFile::open(path, format)?;
            let body = results::encoded(archived, file.format()).await?;
            file.write(&run, body, true).await?;
        }
        Form::Screen => {
            let body = archived.results().map_ok(bytes::Bytes::from);
            on_screen(&run, results::records(body), args).await?;
        }
    }
    Ok(ExitCode::Completed)
}

/// Returns the id of a run of the archive, whose files are named by it.
pub fn archived_id(name: &RunName) -> anyhow::Result<RunId> {
    match name {
        RunName::Id(id) => Ok(*id),
        RunName::Last | RunName::Named(_) => usage("a run of the archive is named by its id"),
    }
}

/// Where results go, and in what form.
enum Form<'a> {
    Screen,
    File(&'a Path, Option<ExportFormat>),
}

fn form(args: &ResultsArgs) -> anyhow::Result<Form<'_>> {
    let out = args.out.as_deref();
    let place = out.unwrap_or(Path::new("-"));
    Ok(match args.format {
        Some(Format::Table) if out.is_some() => {
            return usage("--format table is for the screen, without --out");
        }
        Some(Format::Table) => Form::Screen,
        Some(Format::File(format)) => Form::File(place, Some(format)),
        None if out.is_none() && (stdout().is_terminal() || args.item.is_some()) => Form::Screen,
        None => Form::File(place, None),
    })
}

fn query(only: &Only) -> ResultsQuery {
    let classes = [
        (only.wrong, ScoreClass::Wrong),
        (only.right, ScoreClass::Right),
        (only.unscored, ScoreClass::Unscored),
    ];
    let score = classes.iter().find(|(is_asked, _)| *is_asked).map(|(_, class)| class.to_string());
    ResultsQuery {
        score,
        outcome: only.failed.then(|| "failed".to_owned()),
        score_version: only.score_version.clone(),
        ..results::everything()
    }
}

async fn on_screen(
    run: &Run,
    mut found: impl Stream<Item = anyhow::Result<DetailedResult>> + Unpin,
    args: &ResultsArgs,
) -> anyhow::Result<()> {
    if let Some(item) = &args.item {
        let mut texts = Vec::new();
        while let Some(result) = found.next().await {
            texts.push(results::item_table(&result?).to_string());
        }
        if texts.is_empty() {
            return usage(format_args!("{} has no result of an item `{item}`", run.id));
        }
        return Ok(print(texts.join("\n\n"))?);
    }
    let (table, has_more) = results::table(found, args.limit).await?;
    if table.is_empty() {
        note!("there is no such result");
        return Ok(());
    }
    print(table.for_stdout())?;
    if has_more {
        note!("there are more: --limit N shows them, and --out FILE has all");
    }
    Ok(())
}
