//! Reads the rule of a run's scoring.

use runmill_proto::{Scorer, Scoring};
use serde::Deserialize;

use super::Rule;
use crate::{ScoringError, pattern::PatternRule};

impl TryFrom<&Scoring> for Rule {
    type Error = ScoringError;

    /// Reads a rule without a check.
    fn try_from(scoring: &Scoring) -> Result<Self, ScoringError> {
        Ok(match scoring.scorer {
            Scorer::Exact => Self::Exact,
            Scorer::Includes => Self::Includes(options(scoring)?),
            Scorer::Regex => Self::Regex(pattern(scoring)?),
            Scorer::Numeric => Self::Numeric { tolerance: scoring.tolerance },
            Scorer::Choice => Self::Choice,
            Scorer::Match => Self::Match(options(scoring)?),
            Scorer::Pattern => Self::Pattern(pattern(scoring)?),
            Scorer::Answer => Self::Answer(options(scoring)?),
            Scorer::F1 => Self::F1,
            Scorer::Json => Self::Json(options(scoring)?),
            Scorer::Math => Self::Math,
            Scorer::Code => Self::Code,
            Scorer::None => Self::None,
        })
    }
}

/// Returns an error for a setting that the scorer does not have. A stored run may have one, of an earlier release.
pub fn check_settings(scoring: &Scoring) -> Result<(), ScoringError> {
    let known = settings(scoring.scorer);
    match scoring.options.keys().find(|name| !known.contains(&&***name)) {
        Some(name) => Err(ScoringError::Setting { name: name.clone(), known }),
        None => Ok(()),
    }
}

/// Returns the names of a scorer's settings that are its own.
const fn settings(scorer: Scorer) -> &'static [&'static str] {
    match scorer {
        Scorer::Includes => &["require"],
        Scorer::Match => &["place", "numeric"],
        Scorer::Pattern | Scorer::Regex => &["pattern", "group", "which"],
        Scorer::Answer => &["form"],
        Scorer::Json => &["schema", "fields"],
        Scorer::Numeric => &["tolerance"],
        Scorer::Exact | Scorer::Choice | Scorer::F1 | Scorer::Math | Scorer::Code | Scorer::None => &[],
    }
}

fn options<'a, T: Deserialize<'a>>(scoring: &'a Scoring) -> Result<T, ScoringError> {
    T::deserialize(&scoring.options).map_err(|error| ScoringError::Json(error.to_string()))
}

fn pattern(scoring: &Scoring) -> Result<PatternRule, ScoringError> {
    Ok(PatternRule { pattern: scoring.pattern.clone(), ..options(scoring)? })
}
