//! Scores what follows the last "Answer:", the form in which many prompts ask for an answer.

use std::sync::LazyLock;

use regex::Regex;
use runmill_proto::labelled_choice;
use serde::{Deserialize, Serialize};

use crate::{
    mark::Mark,
    question::Question,
    text::{key, strip},
};

/// Settings of `answer`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerRule {
    #[serde(default)]
    pub form: Form,
}

/// Part of the text behind "Answer:" that is the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// The rest of the line.
    #[default]
    Line,
    /// One letter, which may stand for a choice.
    Letter,
    /// One word.
    Word,
}

static MARK: LazyLock<Regex> =
    LazyLock::new(|| constant(r"(?i)\banswer\b[*_]*\s*[:：][*_]*[^\S\n]*\n?[^\S\n]*"));

static LETTER: LazyLock<Regex> = LazyLock::new(|| constant(r"^[*_(\[]*([A-Za-z])(?:\W|_|$)"));

static WORD: LazyLock<Regex> = LazyLock::new(|| constant(r#"^[*_("'\[`]*([\w'’-]*\w)"#));

fn constant(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant pattern")
}

impl AnswerRule {
    pub(crate) fn mark(self, question: &Question<'_>, answer: &str) -> Mark {
        let Some(given) = self.given(answer) else {
            return Mark::unscored("no answer follows \"Answer:\" in the form that is asked for");
        };
        // A letter stands for the text of its choice too.
        let choice = labelled_choice(&given.to_uppercase()).and_then(|choice| question.choices.get(choice));
        let texts: Vec<_> =
            [Some(given), choice.map(String::as_str)].into_iter().flatten().map(key).collect();
        let right = question.references.iter().any(|reference| texts.contains(&key(reference)));
        Mark::right(right, strip(given))
    }

    fn given(self, answer: &str) -> Option<&str> {
        let rest = &answer[MARK.find_iter(answer).last()?.end()..];
        let found = match self.form {
            Form::Line => return rest.lines().next().filter(|line| !line.trim().is_empty()),
            Form::Letter => LETTER.captures(rest),
            Form::Word => WORD.captures(rest),
        };
        found?.get(1).map(|found| found.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(form: Form, reference: &str, answer: &str) -> Option<f64> {
        let (references, choices) = ([reference.to_owned()], ["Paris".to_owned(), "New York".to_owned()]);
        let question = Question { references: &references, choices: &choices, ..Question::default() };
        AnswerRule { form }.mark(&question, answer).value
    }

    #[test]
    fn each_form_is_read() {
        let table = [
            (Form::Line, "New York", "Let me think.\nANSWER: New York.", Some(1.0)),
            (Form::Line, "New York", "**Answer:** New York", Some(1.0)),
            (Form::Line, "New York", "Answer: Rome\nAnswer: New York\nDone.", Some(1.0)),
            (Form::Line, "New York", "New York", None),
            (Form::Line, "New York", "Answer:\nNew York", Some(1.0)),
            (Form::Letter, "B", "ANSWER: B", Some(1.0)),
            (Form::Letter, "B", "Answer: (b) New York", Some(1.0)),
            (Form::Letter, "New York", "Answer: B", Some(1.0)),
            (Form::Letter, "B", "Answer: A", Some(0.0)),
            (Form::Letter, "B", "Answer: Both", None),
            (Form::Word, "Paris", "Answer: Paris, of course", Some(1.0)),
            (Form::Word, "Paris", "Answer: Rome", Some(0.0)),
        ];
        for (form, reference, answer, want) in table {
            assert_eq!(value(form, reference, answer), want, "{form:?} {answer}");
        }
    }
}
