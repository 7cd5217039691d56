//! Scores of the answers that a run has, by another scorer.

use std::time::Duration;

use runmill_proto::{
    RunId, Scoring,
    api::{NewScoring, Run},
};
use tokio::time::sleep;

use crate::client::{Client, ClientError};

/// Interval of looks at the progress.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

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

/// Returns the scorer by which a run is shown. `None`: each item has that of its type or of its own.
pub fn shown(run: &Run) -> Option<Scoring> {
    match run.score_versions.iter().find(|version| version.version == run.score_version) {
        Some(version) => version.scoring.clone(),
        None => run.config.stored_job().scoring,
    }
}
