//! Scores long answers that repeat what scorers look for: the time must grow with the length, not with its square.

use std::time::{Duration, Instant};

use runmill_scoring::{Question, Rule};
use serde_json::json;

/// Length of each answer, in bytes. At this length a scorer of quadratic time takes minutes.
const LENGTH: usize = 200_000;

/// Longest time for all, on a busy machine without optimisation.
const LIMIT: Duration = Duration::from_mins(2);

const PARTS: [&str; 24] = [
    "The answer is ",
    "answer: 1 ",
    "1,",
    "1 ",
    "- 1 ",
    "1.",
    "(",
    "((A) ",
    "**1** ",
    "A, ",
    "A is wrong. ",
    "not B ",
    "#### 1 ",
    "\n#### Step",
    r"\boxed{",
    "<answer>",
    "<think>",
    r#"{"a": "#,
    "1 is the answer ",
    "17 or ",
    "= ",
    " ",
    "_",
    "答案是",
];

#[test]
fn time_grows_with_the_length() {
    let rules = ["exact", "includes", "numeric", "choice", "f1", "answer", "match", "json", "math"];
    let references = ["1".to_owned()];
    let choices = ["Paris", "Rome", "Berlin"].map(str::to_owned);
    let question = Question { references: &references, choices: &choices, ..Question::default() };
    let started = Instant::now();
    for part in PARTS {
        let answer = part.repeat(LENGTH / part.len());
        for name in rules {
            let began = Instant::now();
            Rule::from_json(&json!(name)).unwrap().score(&question, &answer);
            let several = Question { several: true, ..question };
            Rule::from_json(&json!("choice")).unwrap().score(&several, &answer);
            let took = began.elapsed();
            if took > Duration::from_secs(1) {
                println!("{name} took {took:?} for {part:?}");
            }
            assert!(started.elapsed() < LIMIT, "{name}: {part}");
        }
    }
}
