use comfy_table::{Table, presets};
use runmill_proto::{Scorer, Scoring, api::Run};

use crate::{cli::RunsAction, run::summary};

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
