//! Reads answers as JSON lines, each with a rule and its references, and prints the value of each as a JSON line, which is
//! `null` for an unscored one. `make compare-scorers` compares them with the values of other tools.

use std::io::{BufRead, stdin};

use runmill_scoring::{Question, Rule};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Case {
    rule: Value,
    references: Vec<String>,
    choices: Vec<String>,
    answer: String,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for line in stdin().lock().lines() {
        let case: Case = serde_json::from_str(&line?)?;
        let question =
            Question { references: &case.references, choices: &case.choices, ..Question::default() };
        let score = Rule::from_json(&case.rule)?.score(&question, &case.answer);
        println!("{}", json!(score.and_then(|score| score.value)));
    }
    Ok(())
}
