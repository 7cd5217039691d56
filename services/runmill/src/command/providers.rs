use runmill_proto::api::{Provider, RateLimit};

use crate::{
    cli::{ProvidersAction, ProvidersArgs},
    client::Client,
    command::{place::at, print_json},
    exit::ExitCode,
    screen::{Column, FittedTable, note, one_line, print},
};

const COLUMNS: &[Column] = &[
    Column { title: "name", rank: 0, least: Some(16) },
    Column { title: "provider", rank: 1, least: None },
    Column { title: "kind", rank: 3, least: None },
    Column { title: "base URL", rank: 2, least: Some(16) },
    Column { title: "limits", rank: 4, least: Some(16) },
    Column { title: "keys", rank: 5, least: None },
];

pub async fn run(args: ProvidersArgs) -> anyhow::Result<ExitCode> {
    let ProvidersAction::List = args.action;
    at(&args.server, async |client: &Client| list(client, args.json).await).await
}

async fn list(client: &Client, json: bool) -> anyhow::Result<ExitCode> {
    let providers = client.providers().await?;
    if json {
        print_json(&providers)?;
        return Ok(ExitCode::Completed);
    }
    if providers.is_empty() {
        note!("no provider yet; `runmill run --base-url` makes one");
        return Ok(ExitCode::Completed);
    }
    let mut table = FittedTable::new(COLUMNS);
    for provider in &providers {
        table.add(cells(provider));
    }
    print(table.for_stdout())?;
    Ok(ExitCode::Completed)
}

fn cells(provider: &Provider) -> [String; COLUMNS.len()] {
    [
        one_line(&provider.name),
        provider.id.to_string(),
        provider.kind.to_string(),
        one_line(&provider.base_url),
        limits(&provider.rate_limit),
        provider.api_keys.len().to_string(),
    ]
}

/// Names the limits that are stated.
fn limits(limit: &RateLimit) -> String {
    let stated = [
        limit.concurrency.map(|number| format!("{number} calls")),
        limit.rps.map(|number| format!("{number} a second")),
        limit.rpm.map(|number| format!("{number} a minute")),
        limit.tpm.map(|number| format!("{number} tokens a minute")),
        limit.tokens_per_day.map(|number| format!("{number} tokens a day")),
        limit.cost_per_day_usd.map(|number| format!("${number} a day")),
    ];
    let stated: Vec<_> = stated.into_iter().flatten().collect();
    if stated.is_empty() { "none stated".to_owned() } else { stated.join(", ") }
}
