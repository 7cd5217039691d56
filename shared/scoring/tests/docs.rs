//! Checks the table of tricky answers in `docs/scoring.md`.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

use std::{fs, path::Path};

use runmill_scoring::{Question, Rule};
use serde_json::{Value, json};

#[test]
fn every_verdict_of_the_page_is_given() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/scoring.md");
    let page = fs::read_to_string(path).unwrap();
    let rows: Vec<_> = page.lines().filter_map(row).collect();
    assert!(rows.len() > 50, "the table has {} rows", rows.len());
    let verdict = |[scorer, reference, answer, _]: &[&str; 4]| verdict(scorer, reference, answer);
    let faults: Vec<_> = rows.iter().filter(|row| verdict(row) != row[3]).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

/// Reads a line of the table: a scorer, a reference, an answer and a verdict.
fn row(line: &str) -> Option<[&str; 4]> {
    let cells: Vec<_> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
    let [scorer, reference, answer, verdict] = cells[..] else { return None };
    let inside = |cell: &str| cell.len() > 1 && cell.starts_with('`') && cell.ends_with('`');
    let is_row = [scorer, reference, answer].into_iter().all(inside) && !verdict.starts_with('`');
    is_row.then(|| [scorer.trim_matches('`'), reference.trim_matches('`'), answer.trim_matches('`'), verdict])
}

fn verdict(scorer: &str, reference: &str, answer: &str) -> &'static str {
    let rule = serde_json::from_str::<Value>(scorer).unwrap_or_else(|_| json!(scorer));
    let references = [reference.to_owned()];
    let choices = ["Paris", "Rome", "Berlin", "A city in Spain"].map(str::to_owned);
    let question = Question { references: &references, choices: &choices, ..Question::default() };
    let score = Rule::from_json(&rule).unwrap().score(&question, &answer.replace('⏎', "\n")).unwrap();
    match score.value {
        None => "unscored",
        Some(1.0) => "right",
        Some(0.0) => "wrong",
        Some(_) => "in part",
    }
}
