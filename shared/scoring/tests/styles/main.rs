//! Scores right and wrong answers in the styles in which models write them, on the references of real datasets.
//!
//! `make scoring` prints the shares by style.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod choice;
mod data;
mod numeric;
mod tally;

use tally::Table;

#[test]
fn numbers_are_read_in_every_style() {
    let mut table = Table::default();
    let items = data::items("gsm8k.jsonl", 300);
    for (name, style) in numeric::STYLES {
        for (n, item) in items.iter().enumerate() {
            let right = data::reference(item);
            table.add(name, item, &style(&right), &style(&numeric::wrong(&right, n)));
        }
    }
    table.check(25);
}

#[test]
fn choices_are_read_in_every_style() {
    let mut table = Table::default();
    let items = [data::items("truthfulqa.jsonl", 100), data::items("hellaswag.jsonl", 100)].concat();
    for (name, style) in choice::STYLES {
        for (n, item) in items.iter().enumerate() {
            let (right, wrong) = choice::right_and_wrong(item, n);
            table.add(name, item, &style(item, right), &style(item, wrong));
        }
    }
    table.check(23);
}

#[test]
fn a_refusal_has_no_score() {
    let refusals = [
        "I cannot answer this question.",
        "I don't know.",
        "There is not enough information to answer this.",
    ];
    for item in [data::items("gsm8k.jsonl", 100), data::items("truthfulqa.jsonl", 100)].concat() {
        for refusal in refusals {
            let score = runmill_scoring::score(&item, None, refusal).unwrap();
            assert_eq!(score.value, None, "{}: {refusal}", item.id);
        }
    }
}
