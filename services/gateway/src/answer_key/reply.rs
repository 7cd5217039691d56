use std::ops::Not;

use runmill_proto::{Answer, Item, ItemType, choice_label, labelled_choice};

use crate::chance::hash;

/// Correct and wrong reply to one item. Both are made from the item's `answer` and its choices.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub right: Box<str>,
    /// A reply that every scorer finds wrong: no part of it is the answer or a part of the answer.
    pub wrong: Box<str>,
}

impl Reply {
    /// Makes the replies. Returns `None` if the item has no answer, or one that is not among its choices.
    pub fn to(item: &Item) -> Option<Self> {
        let answer = item.answer.as_ref()?;
        match item.item_type {
            ItemType::McqSingle | ItemType::McqMulti => Self::choosing(item, answer),
            ItemType::Code => Some(Self::text(answer, str::to_owned)),
            ItemType::Freeform | ItemType::JudgePairwise => Some(Self::text(answer, sentence)),
        }
    }

    fn choosing(item: &Item, answer: &Answer) -> Option<Self> {
        let names = match answer {
            Answer::One(name) => std::slice::from_ref(name),
            Answer::Many(names) => names,
        };
        let right: Vec<usize> =
            names.iter().map(|name| choice(&item.choices, name)).collect::<Option<_>>()?;
        if right.is_empty() {
            return None;
        }
        let others: Vec<usize> = (0..item.choices.len()).filter(|index| !right.contains(index)).collect();
        let wrong = match (item.item_type, &*others) {
            (_, []) => unsure("").to_owned(),
            // The wrong reply has all other choices, because a set that shares a choice with the answer gets a part
            // of the score.
            (ItemType::McqMulti, others) => sentence(&labels(others)),
            (_, others) => {
                let count = u64::try_from(others.len()).expect("a usize is at most 64 bits");
                let pick =
                    usize::try_from(hash(&[item.id.as_bytes()]) % count).expect("it is below a length");
                sentence(&labels(&others[pick..=pick]))
            }
        };
        Some(Self { right: sentence(&labels(&right)).into(), wrong: wrong.into() })
    }

    fn text(answer: &Answer, say: fn(&str) -> String) -> Self {
        let text = match answer {
            Answer::One(text) => text.clone(),
            Answer::Many(texts) => texts.join(", "),
        };
        let wrong = next_number(&text).map_or_else(|| unsure(&text).to_owned(), |number| say(&number));
        Self { right: say(&text).into(), wrong: wrong.into() }
    }
}

fn sentence(answer: &str) -> String {
    let stop = if answer.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("The answer is {answer}{stop}")
}

/// Returns the index of a choice, which is named by its whole text, or else by its label.
fn choice(choices: &[String], name: &str) -> Option<usize> {
    let name = name.trim();
    choices
        .iter()
        .position(|choice| choice.trim() == name)
        .or_else(|| labelled_choice(&name.to_ascii_uppercase()).filter(|index| *index < choices.len()))
}

/// Lists choices by their labels, as in `A, C`.
fn labels(indices: &[usize]) -> String {
    indices.iter().map(|index| choice_label(*index)).collect::<Vec<_>>().join(", ")
}

/// Returns a number that differs by one, in the same notation: a wrong answer.
fn next_number(text: &str) -> Option<String> {
    let text = text.trim().replace(',', "");
    let (whole, decimals) = text.split_once('.').map_or((&*text, None), |(whole, rest)| (whole, Some(rest)));
    let digits = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match decimals {
        None => Some((whole.parse::<i64>().ok()?.checked_add(1)?).to_string()),
        // The whole part moves by one away from zero (2.5 to 3.5, -2.5 to -3.5): a step towards zero could change the
        // sign and with it the decimals.
        Some(decimals) => {
            digits(&decimals).then_some(())?;
            let magnitude = whole.trim_start_matches('-').parse::<u32>().ok()?.checked_add(1)?;
            let sign = if whole.starts_with('-') { "-" } else { "" };
            Some(format!("{sign}{magnitude}.{decimals}"))
        }
    }
}

/// Returns a reply that gives no answer and does not contain `answer`. For example, "I do not know" contains "no".
fn unsure(answer: &str) -> &'static str {
    let answer = answer.to_lowercase();
    let holds_answer = |reply: &&str| !answer.is_empty() && reply.to_lowercase().contains(&*answer);
    ["I do not know.", "Unclear."].into_iter().find(|reply| holds_answer(reply).not()).unwrap_or("?")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(item_type: &str, choices: &str, answer: &str) -> Option<(String, String)> {
        let line = format!(
            r#"{{"id":"i","type":"{item_type}","inputs":{{"text":"?"}},"choices":{choices},"answer":{answer}}}"#
        );
        let reply = Reply::to(&Item::from_json(&line).unwrap())?;
        Some((reply.right.into(), reply.wrong.into()))
    }

    #[test]
    fn right_and_wrong_replies() {
        let four = r#"["ant","bee","cat","dog"]"#;
        let table = [
            ("freeform", "[]", r#""18""#, "The answer is 18.", "The answer is 19."),
            ("freeform", "[]", r#""-1""#, "The answer is -1.", "The answer is 0."),
            ("freeform", "[]", r#""2.50""#, "The answer is 2.50.", "The answer is 3.50."),
            ("freeform", "[]", r#""-0.5""#, "The answer is -0.5.", "The answer is -1.5."),
            ("freeform", "[]", r#""1,000""#, "The answer is 1,000.", "The answer is 1001."),
            ("freeform", "[]", r#""Paris""#, "The answer is Paris.", "I do not know."),
            ("freeform", "[]", r#""Yes!""#, "The answer is Yes!", "I do not know."),
            ("freeform", "[]", r#""No""#, "The answer is No.", "Unclear."),
            ("code", "[]", r#""x = 1""#, "x = 1", "I do not know."),
            ("mcq_single", r#"["a","b"]"#, r#""b""#, "The answer is B.", "The answer is A."),
            ("mcq_single", four, r#""B""#, "The answer is B.", "The answer is A."),
            ("mcq_single", four, r#""dog""#, "The answer is D.", "The answer is A."),
            ("mcq_multi", four, r#"["A","cat"]"#, "The answer is A, C.", "The answer is B, D."),
            ("mcq_multi", four, r#"["A","B","C","D"]"#, "The answer is A, B, C, D.", "I do not know."),
        ];
        for (item_type, choices, answer, right, wrong) in table {
            let want = Some((right.to_owned(), wrong.to_owned()));
            assert_eq!(reply(item_type, choices, answer), want, "{item_type} {answer}");
        }
    }

    #[test]
    fn choices_after_the_26th_have_labels() {
        let choices: Vec<_> = (0..30).map(|n| format!("label {n}")).collect();
        let choices = serde_json::to_string(&choices).unwrap();
        for answer in [r#""label 28""#, r#""AC""#] {
            let (right, _) = reply("mcq_single", &choices, answer).unwrap();
            assert_eq!(right, "The answer is AC.");
        }
    }

    #[test]
    fn an_answer_that_is_no_choice_has_no_reply() {
        assert_eq!(reply("mcq_single", r#"["x","y"]"#, r#""C""#), None);
        assert_eq!(reply("mcq_single", r#"["x","y"]"#, r#""zebra""#), None);
        assert_eq!(reply("mcq_multi", r#"["x","y"]"#, "[]"), None);
    }
}
