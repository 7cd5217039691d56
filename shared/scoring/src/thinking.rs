//! Removes the thinking that servers without a reasoning parser leave in the text of an answer.

/// Marks around the thinking of the common model families.
const MARKS: &[(&str, &str)] = &[
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<|channel|>analysis", "<|channel|>final<|message|>"),
];

/// Returns the text after the thinking. Thinking without an end means that the answer was cut off before it began, so
/// the text before the thinking is left, which usually is empty.
pub(crate) fn without_thinking(answer: &str) -> &str {
    let found = MARKS.iter().find_map(|(start, end)| after(answer, start, end));
    found.unwrap_or(answer)
}

/// Returns the text after the last `end`. Some chat templates put `start` into the prompt, so it may be missing.
fn after<'a>(answer: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let end_of_last = answer.rfind(end).map(|at| at + end.len());
    let rest = &answer[end_of_last.unwrap_or(0)..];
    match rest.find(start) {
        // Thinking that begins again is never ended.
        Some(at) => Some(&rest[..at]),
        None => end_of_last.map(|_| rest),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn thinking_is_no_answer() {
        let table = [
            ("18", "18"),
            ("<think>The answer is 20?</think>\n\n18", "\n\n18"),
            ("The answer is 20?</think>18", "18"),
            ("<think>20</think><think>21</think>18", "18"),
            ("[THINK]20[/THINK]18", "18"),
            ("<|channel|>analysis<|message|>20<|end|><|start|>assistant<|channel|>final<|message|>18", "18"),
            ("<think>The answer is 20, no", ""),
            ("I think <b>18</b>", "I think <b>18</b>"),
        ];
        for (answer, want) in table {
            assert_eq!(without_thinking(answer), want, "{answer}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(answer in "(<think>|</think>|\\PC){0,20}") {
            without_thinking(&answer);
        }
    }
}
