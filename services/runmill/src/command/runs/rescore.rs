use comfy_table::{Table, presets};
use runmill_proto::{
    ScoreSummary, Scorer, Scoring,
    api::{Run, RunScores},
};

use crate::{cli::RunsAction, client::EXECUTORS, run::summary};

/// Returns the scorer that the command names.
pub fn scoring(action: &RunsAction) -> Option<Scoring> {
    match action {
        RunsAction::Rescore { scorer, pattern, .. } => {
            let scoring = Scoring::from(Scorer::from(*scorer));
            Some(Scoring { pattern: pattern.clone(), ..scoring })
        }
        _ => None,
    }
}

/// Returns the scores of a run by each version, from those that executors gave.
pub fn table(run: &Run, first: &RunScores) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["version", "scorer", "score"]);
    let all = &first.all;
    let given = ScoreSummary { mean: all.mean, stderr: all.stderr, ..run.score };
    let scorer = summary::scoring(run.config.stored_job().scoring.as_ref());
    table.add_row([EXECUTORS.to_owned(), scorer, summary::short_score(&given)]);
    for version in &run.score_versions {
        let shown = if version.version == run.score_version { " (shown)" } else { "" };
        let scorer = summary::scoring(version.scoring.as_ref());
        table.add_row([format!("{}{shown}", version.version), scorer, summary::score(&version.score)]);
    }
    table
}
