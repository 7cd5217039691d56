use std::time::Duration;

use comfy_table::{Table, presets};
use runmill_proto::{
    RunId, Scoring,
    api::{NewScoring, Run},
};
use tokio::time::sleep;

use crate::{
    cli::RunsAction,
    client::{Client, ClientError},
    run::summary,
};

/// Interval of looks at the progress.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Returns the scorer that the command names.
pub fn scoring(action: &RunsAction) -> Option<Scoring> {
    match action {
        RunsAction::Rescore { scorer, pattern, .. } => {
            let scoring = Scoring::from(runmill_proto::Scorer::from(*scorer));
            Some(Scoring { pattern: pattern.clone(), ..scoring })
        }
        _ => None,
    }
}

/// Asks for scores by another scorer.
pub async fn ask(client: &Client, id: RunId, scoring: Option<Scoring>) -> Result<Run, ClientError> {
    client.rescore(id, &NewScoring { scoring, judges: Vec::new(), budget: None }).await
}

/// Waits until the scores that were asked for are there.
pub async fn await_scores(client: &Client, id: RunId) -> Result<Run, ClientError> {
    loop {
        let run = client.run(id).await?;
        if run.rescoring.is_none() {
            return Ok(run);
        }
        sleep(POLL_INTERVAL).await;
    }
}

/// Returns the scores of a run by each version.
pub fn table(run: &Run) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["version", "scorer", "score"]);
    for version in &run.score_versions {
        let shown = if version.version == run.score_version { " (shown)" } else { "" };
        let scorer = summary::scoring(version.scoring.as_ref());
        table.add_row([format!("{}{shown}", version.version), scorer, summary::score(&version.score)]);
    }
    table
}
