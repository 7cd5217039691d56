use serde_json::json;

use super::*;

const REFERENCES: [&str; 2] = ["Paris", "18"];

fn score(rule: &Value, references: &[&str], answer: &str) -> Option<f64> {
    let references: Vec<_> = references.iter().map(ToString::to_string).collect();
    let question = Question { references: &references, ..Question::default() };
    Rule::from_json(rule).unwrap().score(&question, answer).unwrap().value
}

fn all() -> Vec<Value> {
    vec![
        json!("exact"),
        json!({"scorer": "includes", "require": "any"}),
        json!({"scorer": "regex", "pattern": r"(\w+)$"}),
        json!({"scorer": "numeric", "tolerance": 0.5}),
        json!({"scorer": "match", "place": "end", "numeric": false}),
        json!({"scorer": "pattern", "pattern": r"\w+", "which": "last"}),
        json!({"scorer": "answer", "form": "line"}),
        json!("f1"),
        json!("math"),
    ]
}

#[test]
fn any_of_several_references_is_right_for_every_scorer() {
    for rule in all() {
        // The word "answer" is a word that the reference has not.
        let want = if rule == json!("f1") { 2.0 / 3.0 } else { 1.0 };
        assert_eq!(score(&rule, &REFERENCES, "Answer: 18"), Some(want), "{rule}");
    }
}

#[test]
fn no_scorer_reads_thinking() {
    for rule in all() {
        let answer = "<think>Answer: Rome</think>Answer: 18";
        assert!(score(&rule, &REFERENCES, answer) > Some(0.5), "{rule}");
    }
    let about_thinking = json!({"scorer": "pattern", "pattern": "(?s)^<think>.*</think>"});
    assert_eq!(score(&about_thinking, &[], "<think>So.</think>18"), Some(1.0));
}

#[test]
fn a_rule_is_what_it_was_read_from() {
    for json in all() {
        let rule = Rule::from_json(&json).unwrap();
        let written = serde_json::to_value(&rule).unwrap();
        assert_eq!(Rule::from_json(&written).unwrap(), rule, "{json}");
        assert_eq!(written["scorer"], rule.name());
    }
}

#[test]
fn a_rule_that_cannot_be_used_says_why() {
    let table = [
        (json!("exakt"), "unknown variant"),
        (json!({"scorer": "pattern"}), "needs a pattern"),
        (json!({"scorer": "pattern", "pattern": "("}), "unclosed group"),
        (json!({"scorer": "pattern", "pattern": "a", "group": 1}), "no group 1"),
        (json!({"scorer": "numeric", "tolerance": -1}), "a number from 0"),
        (json!({"scorer": "match", "place": "middle"}), "unknown variant"),
        (json!({"scorer": "json", "schema": {"type": "object", "$dynamicRef": "#a"}}), "`$dynamicRef`"),
        (json!({}), "scorer"),
    ];
    for (rule, want) in table {
        let fault = Rule::from_json(&rule).unwrap_err().to_string();
        assert!(fault.contains(want), "{rule}: {fault}");
    }
}

/// A scorer of proto without a rule, or a setting that is read in one way alone, is found here.
#[test]
fn a_run_and_an_item_read_the_same_rule() {
    let more = [
        json!({"scorer": "numeric"}),
        json!({"scorer": "json", "schema": {"type": "object"}, "fields": ["a"]}),
        json!({"scorer": "pattern", "pattern": "(a)(b)", "group": 2}),
        json!({"scorer": "includes"}),
    ];
    let named = ["choice", "code", "none"].map(|name| json!({ "scorer": name }));
    let all = all().into_iter().map(|rule| if rule.is_string() { json!({ "scorer": rule }) } else { rule });
    for json in all.chain(more).chain(named) {
        let scoring: Scoring = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(Rule::try_from(&scoring).unwrap(), Rule::read(&json).unwrap(), "{json}");
    }
    let wrong: Scoring = serde_json::from_value(json!({"scorer": "match", "place": "middle"})).unwrap();
    assert!(Rule::try_from(&wrong).unwrap_err().to_string().contains("unknown variant"));
}

#[test]
fn a_setting_that_the_scorer_does_not_have_is_refused() {
    let refused = |scoring: Value| {
        let scoring: Scoring = serde_json::from_value(scoring).unwrap();
        crate::check(&scoring).map_err(|error| error.to_string())
    };
    assert_eq!(refused(json!({"scorer": "match", "place": "any", "numeric": true})), Ok(()));
    let unknown = "`plaec` is no setting of the scorer, which has `place`, `numeric`";
    assert_eq!(refused(json!({"scorer": "match", "plaec": "any"})), Err(unknown.to_owned()));
    let none = "`place` is no setting of the scorer, which has none";
    assert_eq!(refused(json!({"scorer": "exact", "place": "any"})), Err(none.to_owned()));
}
