use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// Result of an evaluation of which at least one sample has an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// LightEval's own metrics. They count a sample without an answer as wrong; see [`Evaluation::unanswered`].
    pub metrics: Vec<Metric>,
    pub samples: Vec<Sample>,
    /// Reason why samples have no answer, if there are such.
    pub reason: Option<String>,
}

/// A metric of a task, over all samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Name of the task with its number of examples, or `all`.
    pub task: String,
    pub name: String,
    pub value: f64,
}

/// One question to the model.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Sample {
    pub task: String,
    pub id: String,
    pub question: String,
    /// Right answers.
    pub reference: Vec<String>,
    /// The model's answers. An empty one is a call that failed: LightEval does not tell it from an answer.
    pub answers: Vec<String>,
    /// Values of the task's metrics, by their names.
    pub metrics: BTreeMap<String, Value>,
}

impl Evaluation {
    /// Returns the number of samples without an answer.
    pub fn unanswered(&self) -> usize {
        self.samples.iter().filter(|sample| !sample.is_answered()).count()
    }
}

impl Sample {
    /// Returns true if every answer has a text.
    pub fn is_answered(&self) -> bool {
        !self.answers.is_empty() && self.answers.iter().all(|answer| !answer.trim().is_empty())
    }

    /// Returns the value of the task's first metric that is a number, by the names' order. Returns `None` for a sample
    /// without an answer.
    pub fn score(&self) -> Option<(&str, f64)> {
        if !self.is_answered() {
            return None;
        }
        let number =
            |value: &Value| value.as_f64().or_else(|| value.as_bool().map(|it| f64::from(u8::from(it))));
        self.metrics.iter().find_map(|(name, value)| Some((name.as_str(), number(value)?)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sample(answers: &[&str], metrics: &Value) -> Sample {
        let answers: Vec<_> = answers.iter().map(|it| (*it).to_owned()).collect();
        let sample = json!({"task": "t|0", "id": "0", "question": "?", "reference": ["4"], "answers": answers, "metrics": metrics});
        serde_json::from_value(sample).unwrap()
    }

    #[test]
    fn a_sample_without_an_answer_has_no_score() {
        let metrics = || json!({"em": 1.0});
        assert_eq!(sample(&["4"], &metrics()).score(), Some(("em", 1.0)));
        for empty in [&[][..], &[""], &[" \n"], &["4", ""]] {
            assert_eq!(sample(empty, &metrics()).score(), None, "{empty:?}");
        }
    }

    #[test]
    fn a_score_is_the_first_number() {
        assert_eq!(
            sample(&["4"], &json!({"a": null, "b": [1], "c": true, "d": 0.5})).score(),
            Some(("c", 1.0))
        );
        assert_eq!(sample(&["4"], &json!({})).score(), None);
    }
}
