use runmill_proto::api::{Run, ScoreVersion};

use super::{score, scorer, scoring};

/// Returns the score of the run, and below it that of each further scorer. Only one of several has its name.
pub fn lines(run: &Run) -> Vec<String> {
    let further = run.score_versions.iter().filter(|version| version.further);
    let further: Vec<_> = further.map(line).collect();
    let own = score(&run.score);
    let own = if further.is_empty() { own } else { format!("{}: {own}", scorer(run)) };
    [own].into_iter().chain(further).collect()
}

fn line(version: &ScoreVersion) -> String {
    format!("{}: {}", scoring(version.scoring.as_ref()), score(&version.score))
}
