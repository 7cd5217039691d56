//! Looks at files of datasets, and lists and deletes datasets.

mod check;

use runmill_proto::api::Dataset;

use crate::{
    cli::DatasetAction,
    client::Client,
    command::{place::at, print_json},
    exit::ExitCode,
    screen::{Column, FittedTable, note, one_line, print},
};

const COLUMNS: &[Column] = &[
    Column { title: "dataset", rank: 0, least: None },
    Column { title: "items", rank: 2, least: None },
    Column { title: "name", rank: 1, least: Some(12) },
    Column { title: "created", rank: 3, least: None },
];

pub async fn run(action: DatasetAction) -> anyhow::Result<ExitCode> {
    match action {
        DatasetAction::Check(args) => check::check(&args),
        DatasetAction::List(args) => {
            at(&args.server, async |client: &Client| list(client, args.limit, args.json).await).await
        }
        DatasetAction::Delete(args) => {
            at(&args.server, async |client: &Client| {
                client.delete_dataset(args.id).await?;
                print(format_args!("the dataset {} was deleted", args.id))?;
                Ok(ExitCode::Completed)
            })
            .await
        }
    }
}

async fn list(client: &Client, limit: u32, json: bool) -> anyhow::Result<ExitCode> {
    let datasets = client.datasets(limit).await?;
    if json {
        print_json(&datasets)?;
        return Ok(ExitCode::Completed);
    }
    if datasets.is_empty() {
        note!("no dataset yet; `runmill run` makes one of its file");
        return Ok(ExitCode::Completed);
    }
    let mut table = FittedTable::new(COLUMNS);
    for dataset in &datasets {
        table.add(cells(dataset));
    }
    print(table.for_stdout())?;
    Ok(ExitCode::Completed)
}

fn cells(dataset: &Dataset) -> [String; COLUMNS.len()] {
    [
        dataset.id.to_string(),
        dataset.item_count.to_string(),
        one_line(&dataset.name),
        dataset.created_at.strftime("%Y-%m-%d %H:%M").to_string(),
    ]
}
