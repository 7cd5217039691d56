//! Scores an answer by a regular expression. With a group and a reference, the group must equal the reference.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, PoisonError},
};

use regex::{Regex, RegexBuilder};

use crate::{ScoringError, mark::Mark, text::key};

/// Largest memory of a compiled pattern. The time to match is linear in the answer, whatever the pattern.
const COMPILED_MAX_BYTES: usize = 1024 * 1024;

/// Largest number of compiled patterns that are kept. A run has one, and each item may have its own.
const CACHE_MAX: usize = 256;

type Compiled = Result<Regex, ScoringError>;

static CACHE: LazyLock<Mutex<HashMap<String, Compiled>>> = LazyLock::new(Mutex::default);

pub(crate) fn mark(pattern: Option<&str>, references: &[String], answer: &str) -> Mark {
    // An item whose checker is only the name of this scorer has its pattern as its reference.
    let (pattern, references) = match (pattern, references) {
        (Some(pattern), references) => (pattern, references),
        (None, [pattern]) => (pattern.as_str(), &[][..]),
        (None, _) => return Mark::unscored("there is no pattern"),
    };
    let regex = match cached(pattern) {
        Ok(regex) => regex,
        Err(error) => return Mark::unscored(error.to_string()),
    };
    let Some(captures) = regex.captures(answer) else {
        return Mark { value: Some(0.0), extracted: None, detail: Some("the pattern does not match".into()) };
    };
    let group = captures.iter().skip(1).flatten().next().map(|group| group.as_str());
    match (group, references) {
        (Some(group), [reference]) => Mark::right(key(group) == key(reference), group),
        (group, _) => Mark::right(true, group.unwrap_or(&captures[0])),
    }
}

pub(crate) fn compile(pattern: &str) -> Compiled {
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
        mark(pattern, &references, answer).value
    }

    #[test]
    fn answers() {
        // pattern, references, answer, value
        type Row = (Option<&'static str>, &'static [&'static str], &'static str, Option<f64>);
        let table: [Row; 9] = [
            (Some(r"^\d{4}$"), &[], "1987", Some(1.0)),
            (Some(r"^\d{4}$"), &[], "in 1987", Some(0.0)),
            (Some(r"year (\d+)"), &["1987"], "the year 1987.", Some(1.0)),
            (Some(r"year (\d+)"), &["1987"], "the year 1988.", Some(0.0)),
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
