use std::collections::HashMap;

use runmill_proto::{
    ProviderId,
    api::{Provider, Run},
};

use crate::{
    client::Client,
    command::print_json,
    exit::ExitCode,
    run::summary,
    screen::{Column, FittedTable, note, one_line, print},
};

const COLUMNS: &[Column] = &[
    Column { title: "run", rank: 0, least: None },
    Column { title: "status", rank: 1, least: None },
    Column { title: "settled", rank: 4, least: None },
    Column { title: "failed", rank: 6, least: None },
    Column { title: "score", rank: 2, least: None },
    Column { title: "cost", rank: 7, least: None },
    Column { title: "name", rank: 3, least: Some(8) },
    Column { title: "model", rank: 5, least: Some(10) },
    Column { title: "provider", rank: 9, least: Some(8) },
    Column { title: "scorer", rank: 10, least: None },
    Column { title: "created", rank: 8, least: None },
];

/// Status of a run that makes no progress, because no command works on it.
const INTERRUPTED: &str = "interrupted";

/// Lists the newest runs. `is_idle` tells which of the unfinished ones nothing works on.
pub async fn list(
    client: &Client,
    limit: u32,
    json: bool,
    is_idle: impl Fn(&Run) -> anyhow::Result<bool>,
) -> anyhow::Result<ExitCode> {
    let page = client.runs(limit, None).await?;
    if json {
        print_json(&page.items)?;
        return Ok(ExitCode::Completed);
    }
    if page.items.is_empty() {
        note!("no run yet; `runmill run` makes one, and `runmill demo` shows how");
        return Ok(ExitCode::Completed);
    }
    let providers = client.providers().await?;
    let names: HashMap<_, _> = providers.into_iter().map(|Provider { id, name, .. }| (id, name)).collect();
    let mut table = FittedTable::new(COLUMNS);
    for run in &page.items {
        let mut cells = cells(run, &names);
        if is_idle(run)? && !run.status.is_terminal() && run.pause_reason.is_none() {
            INTERRUPTED.clone_into(&mut cells[1]);
        }
        table.add(cells);
    }
    print(table.for_stdout())?;
    Ok(ExitCode::Completed)
}

fn cells(run: &Run, providers: &HashMap<ProviderId, String>) -> [String; COLUMNS.len()] {
    let counters = &run.counters;
    [
        run.id.to_string(),
        summary::status_word(run),
        format!("{}/{}", counters.settled, counters.total),
        counters.failed.to_string(),
        run.score.mean.map(|mean| format!("{mean:.4}")).unwrap_or_default(),
        run.cost_usd.map(|cost| format!("${cost:.4}")).unwrap_or_default(),
        one_line(run.name.as_deref().unwrap_or_default()),
        one_line(&run.model),
        one_line(providers.get(&run.provider_id).map_or("", String::as_str)),
        summary::scorer(run),
        run.created_at.strftime("%Y-%m-%d %H:%M").to_string(),
    ]
}
