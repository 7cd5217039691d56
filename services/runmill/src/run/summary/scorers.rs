use runmill_proto::{
    Scoring,
    api::{Run, ScoreVersion},
};
use serde_json::json;

use super::score;

/// Returns the score of the run, and below it that of each further scorer. Only one of several has its name.
pub fn lines(run: &Run) -> Vec<String> {
    let further = run.score_versions.iter().filter(|version| version.further);
    let further: Vec<_> = further.map(line).collect();
    let shown = run.score_versions.iter().find(|version| version.version == run.score_version);
    let scoring = match shown {
        Some(version) => version.scoring.clone(),
        None => run.config.stored_job().scoring,
    };
    let own = score(&run.score);
    let own = if further.is_empty() { own } else { format!("{}: {own}", name(scoring.as_ref())) };
    [own].into_iter().chain(further).collect()
}

fn line(version: &ScoreVersion) -> String {
    format!("{}: {}", name(version.scoring.as_ref()), score(&version.score))
}

fn name(scoring: Option<&Scoring>) -> String {
    let name = scoring.map(|scoring| json!(scoring.scorer));
    name.as_ref().and_then(|name| name.as_str()).unwrap_or("by type").to_owned()
}
