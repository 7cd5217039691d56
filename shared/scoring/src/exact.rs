//! Scores an answer as correct if its extracted part equals the reference, apart from case, white space and
//! decoration.

use std::borrow::Cow;

use crate::{
    code,
    extract::{self, extract},
    mark::Mark,
    text::{key, normalise, unwrapped, without_last_stop},
};

/// Scores `answer` by any of `references`. `is_code` prefers the inside of the last code block.
pub(crate) fn mark(references: &[String], is_code: bool, answer: &str) -> Mark {
    let wanted: Vec<_> = references.iter().flat_map(|reference| wanted(reference)).collect();
    if wanted.is_empty() {
        return Mark::unscored("the reference is empty");
    }
    let readings = readings(is_code, answer);
    let is_wanted = |form: String| wanted.contains(&form) || wanted.contains(&without_last_stop(form));
    let is_right = |reading: &&Cow<'_, str>| unwrapped(reading).any(|form| is_wanted(normalise(form)));
    let right = readings.iter().find(is_right);
    let shown = right.or_else(|| readings.first()).map_or("", |reading| reading.as_ref());
    Mark::right(right.is_some(), crate::text::strip(shown))
}

/// Returns the normal forms of a reference: of its answer, and of that without decoration.
fn wanted(reference: &str) -> Vec<String> {
    let reference = extract::marked(reference).unwrap_or(reference);
    let forms = [normalise(reference), key(reference)];
    forms.into_iter().filter(|form| !form.is_empty()).collect()
}

/// Returns the texts of an answer that may equal the reference: the extracted part, its first sentence, the whole
/// answer and the code in it.
fn readings(is_code: bool, answer: &str) -> Vec<Cow<'_, str>> {
    let code = code::last_block(answer).map(Cow::Borrowed);
    let extracted = extract(answer).text().to_owned();
    let sentence = extracted.split_once(". ").map(|(sentence, _)| sentence.to_owned());
    let mut readings: Vec<Cow<'_, str>> = vec![Cow::Owned(extracted)];
    readings.extend(sentence.map(Cow::Owned));
    match code {
        Some(code) if is_code => readings.insert(0, code),
        code => readings.extend(code),
    }
    // A reference may be a denial: "Not guilty".
    readings.extend(extract::last_said(answer).map(Cow::Borrowed));
    readings.push(Cow::Borrowed(answer));
    readings
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mark(reference: &str, answer: &str) -> Mark {
        super::mark(&[reference.to_owned()], false, answer)
    }

    #[test]
    fn answers() {
        let table = [
            // reference, answer, right
            ("Paris", "Paris", true),
            ("Paris", "paris.", true),
            ("Paris", "**Paris**", true),
            ("Paris", "\"Paris\"", true),
            ("Paris", "The answer is Paris.", true),
            ("Paris", "The answer is Paris. It has been the capital since 987.", true),
            ("Paris", "Let me think step by step.\n\nAnswer: **Paris**", true),
            ("Paris", "**Answer: Paris**", true),
            ("Paris", "France's capital:\n\nParis\n", true),
            ("Paris", r"$\boxed{Paris}$", true),
            ("Paris", "Not Paris", false),
            ("Paris", "The answer is Paris, Texas", false),
            ("Paris", "London", false),
            ("St. Petersburg", "The answer is St. Petersburg.", true),
            ("New York City", "new  york\tcity", true),
            ("It’s", "it's", true),
            ("18", "#### 18", true),
            ("She makes 9 * 2 = 18.\n#### 18", "She earns $18", false),
            ("She makes 9 * 2 = 18.\n#### 18", "So she earns:\n$18", true),
            ("def f():\n    return 1", "```python\ndef f():\n    return 1\n```", true),
            ("def f():\n    return 1", "```python\ndef f():\n    return 2\n```", false),
            ("12:30", "12:30", true),
            ("Not guilty", "The answer is not guilty.", true),
            ("guilty", "The answer is not guilty.", false),
            ("\"quoted\"", "\"quoted\"", true),
        ];
        for (reference, answer, right) in table {
            let mark = mark(reference, answer);
            assert_eq!(mark.value, Some(f64::from(u8::from(right))), "{answer}: {mark:?}");
        }
    }

    #[test]
    fn the_wrapping_of_an_answer_does_not_matter() {
        let wrapped = [
            "[Paris]",
            "1. Paris",
            "<answer>Paris</answer>",
            r#"{"answer": "Paris"}"#,
            r"\boxed{\text{Paris}}",
            "PARIS!",
            "Paris\u{200b}",
            "\u{feff}Paris",
            "The answer, of course, is Paris.",
            "(Paris)",
            "- **Paris**",
            "Paris\n\nWould you like to know more?",
        ];
        for answer in wrapped {
            assert_eq!(mark("Paris", answer).value, Some(1.0), "{answer}");
        }
        assert_eq!(mark("ΟΔΟΣ", "οδος").value, Some(1.0), "a final sigma");
        assert_eq!(mark("ΟΔΟΣ", "οδός").value, Some(0.0), "an accent");
    }

    #[test]
    fn signs_with_a_meaning_are_kept() {
        let table = [
            ("x", "_x", 0.0),
            ("_x", "_x", 1.0),
            ("_x", "x", 0.0),
            ("x", "$x", 0.0),
            ("$x", "$x", 1.0),
            ("*", "*", 1.0),
            ("...", "...", 1.0),
            ("$", "$", 1.0),
            ("$", "*", 0.0),
            ("*args", "*args", 1.0),
        ];
        for (reference, answer, want) in table {
            assert_eq!(mark(reference, answer).value, Some(want), "{reference} and {answer}");
        }
    }

    #[test]
    fn code_is_the_inside_of_its_fence() {
        let answer = "Here you are:\n\n```python\ndef f():\n    return 1\n```\n\nIt returns 1.";
        let references = ["def f():\n    return 1".to_owned()];
        let mark = super::mark(&references, true, answer);
        assert_eq!(mark.value, Some(1.0));
        assert_eq!(
            super::mark(&["1".into()], true, answer).extracted.as_deref(),
            Some("def f():\n    return 1")
        );
    }

    #[test]
    fn any_of_several_references_is_right() {
        let references = ["Paris".to_owned(), "City of Paris".to_owned()];
        for (answer, want) in [("paris", 1.0), ("The answer is city of Paris.", 1.0), ("Rome", 0.0)] {
            assert_eq!(super::mark(&references, false, answer).value, Some(want), "{answer}");
        }
    }

    #[test]
    fn the_extracted_answer_is_shown_without_its_decoration() {
        assert_eq!(mark("Paris", "I know! **Answer:** *Rome*.").extracted.as_deref(), Some("Rome"));
    }

    #[test]
    fn an_empty_reference_scores_nothing() {
        assert_eq!(mark(" ", "x").value, None);
    }

    proptest! {
        #[test]
        fn a_reference_given_as_the_answer_is_right(text in "[a-z0-9][a-z0-9 .,-]{0,40}[a-z0-9]") {
            prop_assume!(!text.contains("answer"));
            prop_assert_eq!(mark(&text, &text).value, Some(1.0));
            prop_assert_eq!(mark(&text, &format!("Well.\n**{}**", text.to_uppercase())).value, Some(1.0));
        }

        #[test]
        fn no_text_is_too_odd(reference in "\\PC{0,30}", answer in any::<String>()) {
            mark(&reference, &answer);
        }
    }
}
