use runmill_proto::{
    ScoreSummary, Scorer, Scoring,
    api::{Run, RunScores},
};

use crate::{
    cli::RunsAction,
    client::EXECUTORS,
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

/// Returns the scores of a run by each version, from those that executors gave.
pub fn table(run: &Run, first: &RunScores) -> FittedTable {
    let mut table = FittedTable::new(COLUMNS);
    let all = &first.all;
    let given = ScoreSummary { mean: all.mean, stderr: all.stderr, ..run.score };
    let scorer = summary::scoring(run.config.stored_job().scoring.as_ref());
    table.add([EXECUTORS.to_owned(), scorer, summary::short_score(&given)]);
    for version in &run.score_versions {
        let shown = if version.version == run.score_version { " (shown)" } else { "" };
        let scorer = summary::scoring(version.scoring.as_ref());
        table.add([format!("{}{shown}", version.version), scorer, summary::score(&version.score)]);
    }
    table
}
