//! Verdicts of judges, read from what they say. A text without a clear verdict is unscored, never guessed.

use std::sync::LazyLock;

use regex::Regex;
use runmill_proto::{Judge, Scale, Score, VerdictForm};
use serde_json::Value;

use crate::mark::Mark;

/// Name of the scores that judges give.
const SCORER: &str = "judge";
const VERSION: u32 = 1;

/// Returns the score of an answer by what its judge says.
///
/// * `order`: order of the answers that a pairwise judge saw; in 0 the answer was `A`, in 1 it was `B`.
pub fn verdict(judge: &Judge, order: u32, text: &str) -> Score {
    let mark = match stated(text) {
        Some(stated) => match value(judge, order, &stated) {
            Some(value) => Mark::scored(value, &stated),
            None => Mark::unscored(format!("the judge's verdict is `{stated}`, and not {}", form(judge))),
        },
        None => Mark::unscored(format!("the judge states no verdict of the form {}", form(judge))),
    };
    mark.into_score(SCORER, VERSION)
}

/// Returns the verdict that a text states: that of a JSON object, of the last line that begins with "Verdict:", or the whole
/// text if it is one word.
fn stated(text: &str) -> Option<String> {
    static LINE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?im)^[\s*_#>`-]*(?:final\s+)?verdict[\s*_`]*[:=][\s*_`]*(.+?)[\s*_`.]*$")
            .expect("the pattern is right")
    });
    let text = text.trim();
    let unfenced = text.strip_prefix("```json").or_else(|| text.strip_prefix("```"));
    let json = unfenced.and_then(|rest| rest.strip_suffix("```")).unwrap_or(text);
    if let Ok(Value::Object(object)) = serde_json::from_str(json) {
        return match object.get("verdict")? {
            Value::String(verdict) => Some(verdict.trim().to_owned()),
            Value::Number(verdict) => Some(verdict.to_string()),
            _ => None,
        };
    }
    let last = LINE.captures_iter(text).last().and_then(|found| found.get(1)).map(|found| found.as_str());
    let alone =
        || (text.split_whitespace().count() == 1).then(|| text.trim_matches(['*', '_', '`', '.', '"']));
    last.or_else(alone).map(str::to_owned)
}

fn value(judge: &Judge, order: u32, stated: &str) -> Option<f64> {
    let stated = stated.to_lowercase();
    match judge.verdict {
        VerdictForm::Binary => match &*stated {
            "1" => Some(1.0),
            "0" => Some(0.0),
            _ => None,
        },
        VerdictForm::Grades => match &*stated {
            "c" | "correct" => Some(1.0),
            "p" | "partial" | "partly correct" | "partially correct" => Some(0.5),
            "i" | "incorrect" => Some(0.0),
            _ => None,
        },
        VerdictForm::Scale => {
            let Scale { min, max } = judge.scale();
            let (min, max) = (f64::from(min), f64::from(max));
            // As judges write it: `7/10`.
            let number = stated.strip_suffix(&format!("/{max}")).unwrap_or(&stated);
            let number: f64 = number.trim().parse().ok()?;
            (min..=max).contains(&number).then(|| (number - min) / (max - min))
        }
        VerdictForm::Pairwise => {
            let is_first = match stated.strip_prefix("answer ").unwrap_or(&stated) {
                "a" => true,
                "b" => false,
                "tie" => return Some(0.5),
                _ => return None,
            };
            Some(if is_first == (order == 0) { 1.0 } else { 0.0 })
        }
    }
}

fn form(judge: &Judge) -> String {
    match judge.verdict {
        VerdictForm::Binary => "`1` or `0`".into(),
        VerdictForm::Grades => "`C`, `P` or `I`".into(),
        VerdictForm::Scale => format!("a number from {} to {}", judge.scale().min, judge.scale().max),
        VerdictForm::Pairwise => "`A`, `B` or `tie`".into(),
    }
}

#[cfg(test)]
mod tests {
    use runmill_proto::testing;

    use super::*;

    fn judge(form: &str) -> Judge {
        testing::judge(serde_json::from_value(form.into()).unwrap())
    }

    #[test]
    fn verdicts_are_read_in_the_forms_in_which_judges_write_them() {
        let table = [
            ("binary", "The answer is right.\nVerdict: 1", Some(1.0)),
            ("binary", "Verdict: 0", Some(0.0)),
            ("binary", "**Verdict: 1**", Some(1.0)),
            ("binary", "**Final verdict:** 0.", Some(0.0)),
            ("binary", "1", Some(1.0)),
            ("binary", "{\"reason\": \"right\", \"verdict\": 1}", Some(1.0)),
            ("binary", "```json\n{\"verdict\": \"0\"}\n```", Some(0.0)),
            ("binary", "I would use `Verdict: 1` if it were right.\nVerdict: 0", Some(0.0)),
            ("grades", "Verdict: P", Some(0.5)),
            ("grades", "Verdict: incorrect", Some(0.0)),
            ("scale", "Verdict: 10", Some(1.0)),
            ("scale", "Verdict: 5.5", Some(0.5)),
            ("scale", "Verdict: 1/10", Some(0.0)),
            ("pairwise", "Verdict: A", Some(1.0)),
            ("pairwise", "Verdict: Answer B", Some(0.0)),
            ("pairwise", "Verdict: tie", Some(0.5)),
        ];
        for (form, text, want) in table {
            assert_eq!(verdict(&judge(form), 0, text).value, want, "{form}: {text}");
        }
        assert_eq!(verdict(&judge("pairwise"), 1, "Verdict: A").value, Some(0.0));
        assert_eq!(verdict(&judge("pairwise"), 1, "Verdict: B").value, Some(1.0));
    }

    #[test]
    fn what_is_no_verdict_is_unscored_with_the_reason() {
        let table = [
            ("binary", "I cannot judge this.", "the judge states no verdict of the form `1` or `0`"),
            ("binary", "Verdict: maybe", "the judge's verdict is `maybe`, and not `1` or `0`"),
            ("binary", "Verdict: 0.7", "the judge's verdict is `0.7`, and not `1` or `0`"),
            ("scale", "Verdict: 11", "the judge's verdict is `11`, and not a number from 1 to 10"),
            ("grades", "", "the judge states no verdict of the form `C`, `P` or `I`"),
            ("binary", "1 or 0", "the judge states no verdict of the form `1` or `0`"),
            ("binary", "{\"verdict\": null}", "the judge states no verdict of the form `1` or `0`"),
        ];
        for (form, text, want) in table {
            let score = verdict(&judge(form), 0, text);
            assert_eq!((score.value, score.detail.as_deref()), (None, Some(want)), "{form}: {text}");
        }
    }
}
