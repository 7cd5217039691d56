//! Scores an answer as correct if its extracted part equals the reference, apart from case, white space and
//! decoration.

use crate::{
    extract::{self, extract},
    mark::Mark,
    text::key,
};

pub(crate) fn mark(reference: &str, answer: &str) -> Mark {
    let reference = extract::marked(reference).unwrap_or(reference);
    let want = key(reference);
    if want.is_empty() {
        return Mark::unscored("the reference is empty");
    }
    let readings = readings(answer);
    let right = readings.iter().find(|reading| key(reading) == want);
    let shown = right.or_else(|| readings.first()).copied().unwrap_or_default();
    Mark::right(right.is_some(), crate::text::strip(shown))
}

/// Returns the texts of an answer that may equal the reference: the extracted part, its first sentence, and the whole
/// answer without the fence of a code block.
fn readings(answer: &str) -> [&str; 3] {
    let extracted = extract(answer).text();
    let sentence = extracted.split_once(". ").map_or(extracted, |(sentence, _)| sentence);
    [extracted, sentence, unfenced(answer)]
}

/// Returns the inside of an answer that is one code block, otherwise the answer.
fn unfenced(answer: &str) -> &str {
    const FENCE: &str = "```";
    let inside = answer.trim().strip_prefix(FENCE).and_then(|rest| rest.strip_suffix(FENCE));
    // The first line names the language of the block.
    let code = inside.and_then(|inside| inside.split_once('\n')).map(|(_, code)| code);
    code.filter(|code| !code.contains(FENCE)).unwrap_or(answer)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
        ];
        for (reference, answer, right) in table {
            let mark = mark(reference, answer);
            assert_eq!(mark.value, Some(f64::from(u8::from(right))), "{answer}: {mark:?}");
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
