use runmill_proto::{Scorer, Scoring, api::Run};

use crate::{
    cli::RunsAction,
    run::summary,
    screen::{Column, FittedTable},
};

const COLUMNS: &[Column] = &[
    Column { title: "version", rank: 0, least: None },
    Column { title: "scorer", rank: 1, least: None },
    Column { title: "score", rank: 2, least: Some(18) },
];

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
pub fn table(run: &Run) -> FittedTable {
    let mut table = FittedTable::new(COLUMNS);
    for version in &run.score_versions {
        let shown = if version.version == run.score_version { " (shown)" } else { "" };
        let scorer = summary::scoring(version.scoring.as_ref());
        table.add([format!("{}{shown}", version.version), scorer, summary::score(&version.score)]);
    }
    table
}
