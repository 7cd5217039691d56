//! Scores an answer by a regular expression. With a group and references, the group must equal a reference.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, PoisonError},
};

use regex::{Captures, Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use crate::{ScoringError, mark::Mark, text::key};

/// Largest memory of a compiled pattern. The time to match is linear in the answer, whatever the pattern.
const COMPILED_MAX_BYTES: usize = 1024 * 1024;

/// Largest number of compiled patterns that are kept. A run has one, and each item may have its own.
const CACHE_MAX: usize = 256;

type Compiled = Result<Regex, ScoringError>;

static CACHE: LazyLock<Mutex<HashMap<String, Compiled>>> = LazyLock::new(Mutex::default);

/// Settings of `pattern` and `regex`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatternRule {
    /// Regular expression in the syntax of the crate `regex`, without look-around. An item's own `regex` without a
    /// pattern has it as its reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Group that is compared, 0 for the whole match. Without it, it is the first group that takes part in the match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<usize>,
    /// Match that is compared, if there are several.
    #[serde(default, skip_serializing_if = "Which::is_first")]
    pub which: Which,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    #[default]
    First,
    Last,
}

impl Which {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    const fn is_first(&self) -> bool {
        matches!(self, Self::First)
    }
}

impl PatternRule {
    pub(crate) fn check(&self) -> Result<(), ScoringError> {
        let regex = compile(self.pattern.as_deref().ok_or(ScoringError::NoPattern)?)?;
        match self.group {
            Some(group) if group >= regex.captures_len() => Err(ScoringError::NoGroup(group)),
            _ => Ok(()),
        }
    }

    /// Checks the reference that an item's own rule without a pattern has as its pattern.
    pub(crate) fn check_reference(&self, references: &[String]) -> Result<(), ScoringError> {
        let [pattern] = references else { return Err(ScoringError::NoPattern) };
        Self { pattern: Some(pattern.clone()), ..self.clone() }.check()
    }

    pub(crate) const fn needs_reference(&self) -> bool {
        self.pattern.is_none()
    }

    pub(crate) fn is_about_thinking(&self) -> bool {
        self.pattern.as_ref().is_some_and(|pattern| pattern.to_ascii_lowercase().contains("think"))
    }

    pub(crate) fn mark(&self, references: &[String], answer: &str) -> Mark {
        // An item whose checker is only the name of this scorer has its pattern as its reference.
        let (pattern, references) = match (&self.pattern, references) {
            (Some(pattern), references) => (pattern, references),
            (None, [pattern]) => (pattern, &[][..]),
            (None, _) => return Mark::unscored("there is no pattern"),
        };
        let regex = match cached(pattern) {
            Ok(regex) => regex,
            Err(error) => return Mark::unscored(error.to_string()),
        };
        let Some(captures) = self.captures(&regex, answer) else {
            return Mark {
                value: Some(0.0),
                extracted: None,
                detail: Some("the pattern does not match".into()),
            };
        };
        match self.group(&captures) {
            Some(group) if !references.is_empty() => {
                Mark::right(references.iter().any(|reference| key(group) == key(reference)), group)
            }
            group => Mark::right(true, group.unwrap_or(&captures[0])),
        }
    }

    fn captures<'a>(&self, regex: &Regex, answer: &'a str) -> Option<Captures<'a>> {
        match self.which {
            Which::First => regex.captures(answer),
            Which::Last => regex.captures_iter(answer).last(),
        }
    }

    /// Returns the text that is compared. Without a group it is the whole match if the last match was asked for.
    fn group<'a>(&self, captures: &Captures<'a>) -> Option<&'a str> {
        let first = || captures.iter().skip(1).flatten().next();
        let group = match (self.group, self.which) {
            (Some(group), _) => captures.get(group),
            (None, Which::First) => first(),
            (None, Which::Last) => first().or_else(|| captures.get(0)),
        };
        group.map(|group| group.as_str())
    }
}

fn compile(pattern: &str) -> Compiled {
    let regex =
        RegexBuilder::new(pattern).size_limit(COMPILED_MAX_BYTES).dfa_size_limit(COMPILED_MAX_BYTES).build();
    regex.map_err(ScoringError::Pattern)
}

fn cached(pattern: &str) -> Compiled {
    let mut cache = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(compiled) = cache.get(pattern) {
        return compiled.clone();
    }
    let compiled = compile(pattern);
    if cache.len() >= CACHE_MAX {
        cache.clear();
    }
    cache.insert(pattern.to_owned(), compiled.clone());
    compiled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(pattern: Option<&str>, references: &[&str], answer: &str) -> Option<f64> {
        let references: Vec<_> = references.iter().map(ToString::to_string).collect();
        PatternRule { pattern: pattern.map(str::to_owned), ..PatternRule::default() }
            .mark(&references, answer)
            .value
    }

    #[test]
    fn answers() {
        // pattern, references, answer, value
        type Row = (Option<&'static str>, &'static [&'static str], &'static str, Option<f64>);
        let table: [Row; 10] = [
            (Some(r"^\d{4}$"), &[], "1987", Some(1.0)),
            (Some(r"^\d{4}$"), &[], "in 1987", Some(0.0)),
            (Some(r"year (\d+)"), &["1987"], "the year 1987.", Some(1.0)),
            (Some(r"year (\d+)"), &["1987"], "the year 1988.", Some(0.0)),
            (Some(r"year (\d+)"), &["1987", "1988"], "the year 1988.", Some(1.0)),
            (Some(r"colou?r: (\w+)|(\w+) it is"), &["Red"], "red it is", Some(1.0)),
            (Some("(?i)paris"), &["not looked at without a group"], "PARIS", Some(1.0)),
            (None, &[r"^4\d$"], "42", Some(1.0)),
            (None, &["a", "b"], "a", None),
            (Some("("), &[], "a", None),
        ];
        for (pattern, references, answer, want) in table {
            assert_eq!(value(pattern, references, answer), want, "{pattern:?} {references:?} on {answer}");
        }
    }

    #[test]
    fn the_group_and_the_match_can_be_chosen() {
        let answer = "3 eggs at 2 dollars are 6";
        let table = [
            (r"(\d+)", None, Which::First, "3"),
            (r"(\d+)", None, Which::Last, "6"),
            (r"\d+", None, Which::Last, "6"),
            (r"(\d+) (\w+)", Some(2), Which::Last, "dollars"),
            (r"(\d+) (\w+)", Some(0), Which::First, "3 eggs"),
        ];
        for (pattern, group, which, want) in table {
            let rule = PatternRule { pattern: Some(pattern.into()), group, which };
            assert_eq!(rule.mark(&[want.into()], answer).value, Some(1.0), "{rule:?}");
            assert_eq!(rule.mark(&["other".into()], answer).value, Some(0.0), "{rule:?}");
        }
    }

    #[test]
    fn a_pattern_that_would_take_much_memory_is_refused() {
        let fault = compile(r"(\pL{500}){500}").unwrap_err().to_string();
        assert!(fault.contains("size limit"), "{fault}");
    }

    #[test]
    fn the_cache_stays_small() {
        for n in 0..=CACHE_MAX {
            assert_eq!(value(Some(&format!("^{n}$")), &[], &n.to_string()), Some(1.0));
        }
        assert!(CACHE.lock().unwrap().len() <= CACHE_MAX);
    }
}
