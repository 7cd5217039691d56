use proptest::prelude::*;
use runmill_proto::ToolCall;

use super::*;
use crate::layer::scripted::four;

fn answer(text: &str) -> ChatResponse {
    ChatResponse { text: text.into(), ..four() }
}

/// Returns the text, the reasoning and the reason to stop after thinking was separated.
fn separated(mut answer: ChatResponse) -> (String, String, Finish) {
    separate(&mut answer);
    (answer.text, answer.reasoning.unwrap_or_default(), answer.finish)
}

#[test]
fn thinking_is_found_in_each_of_its_forms() {
    let harmony = "<|channel|>analysis<|message|>36?<|end|><|start|>assistant<|channel|>final<|message|>42";
    let table = [
        ("<think>\n36?\n</think>\n\n42", "42", "36?"),
        ("\n<think>36?</think>42", "42", "36?"),
        ("<thinking>36?</thinking> 42", "42", "36?"),
        ("<reasoning>36?</reasoning>\n42", "42", "36?"),
        ("<thought>36?</thought>\n42", "42", "36?"),
        ("[THINK]36?[/THINK]42", "42", "36?"),
        ("◁think▷36?◁/think▷42", "42", "36?"),
        ("36?\n</think>\n\n42", "42", "36?"),
        ("“36?” [/THINK]42", "42", "“36?”"),
        ("</think>42", "42", ""),
        ("It is \"36\"</think>42", "42", "It is \"36\""),
        ("</think>\"42\"", "\"42\"", ""),
        ("The tag `<think>`?\n</think>\n\n42", "42", "The tag `<think>`?"),
        ("<think></think>\n\n42", "42", ""),
        ("<think>3</think>\n<think>6?</think>42", "42", "3\n\n6?"),
        ("<think>36?</think>Use `<think>`…</think>", "Use `<think>`…</think>", "36?"),
        (harmony, "42", "36?"),
        (&format!("<|start|>assistant{harmony}<|return|>"), "42", "36?"),
        ("36?<|end|><|start|>assistant<|channel|>final<|message|>42<|return|>", "42", "36?"),
        (
            "<|channel|>analysis<|message|>3<|end|><|start|>assistant<|channel|>commentary to=f <|constrain|>json\
             <|message|>6?<|call|><|start|>assistant<|channel|>final<|message|>42",
            "42",
            "3\n\n6?",
        ),
        ("<|channel|>final<|message|>42", "42", ""),
        ("analysis36?assistantfinal42", "42", "36?"),
    ];
    for (text, want, reasoning) in table {
        assert_eq!(separated(answer(text)), (want.into(), reasoning.into(), Finish::Stop), "{text}");
    }
}

#[test]
fn an_answer_that_ends_inside_of_its_thinking_is_truncated_and_has_no_text() {
    let cut = [
        ("<think>12*3 = 36", "12*3 = 36"),
        ("[THINK]36", "36"),
        ("<think>3</think><think>6", "3\n\n6"),
        ("<|channel|>analysis<|message|>36", "36"),
        ("<|channel|>analys", ""),
    ];
    for (text, reasoning) in cut {
        assert_eq!(separated(answer(text)), (String::new(), reasoning.into(), Finish::Length), "{text}");
    }
}

#[test]
fn other_text_stays_as_it_is() {
    let table = [
        "42",
        "The tag <think> opens it and </think> closes it.",
        "Write `</think>` at its end.",
        "Its end is “</think>”.",
        r#"{"html": "<b>36</think>42</b>"}"#,
        r#"re.sub(r"<think>.*?</think>", "", text)"#,
        r#"text.split("\n</think>")[-1]"#,
        "if a < b then c[0] else “d”",
        "analysis of the results: assistant",
        "A <|message|> in a text",
        "",
    ];
    for text in table {
        assert_eq!(separated(answer(text)), (text.into(), String::new(), Finish::Stop), "{text}");
    }
}

#[test]
fn thinking_before_a_tool_call_needs_no_closing_tag() {
    let calls = ChatResponse {
        tool_calls: vec![ToolCall::default()],
        finish: Finish::ToolCalls,
        reasoning: Some("hm".into()),
        ..answer("<think>add")
    };
    assert_eq!(separated(calls), (String::new(), "hm\n\nadd".into(), Finish::ToolCalls));
}

proptest! {
    #[test]
    fn no_character_is_lost(words in proptest::collection::vec(word(), 0..12)) {
        let text = words.concat();
        if let Some(split) = split(&text) {
            let whole: String = split.parts.iter().map(|part| match part {
                Part::Mark(text) | Part::Thinking(text) | Part::Answer(text) => *text,
            }).collect();
            prop_assert_eq!(whole, text);
        }
    }
}

fn word() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        " ",
        "a",
        "é",
        "`",
        "◁",
        "“",
        "<think>",
        "</think>",
        "[THINK]",
        "[/THINK]",
        "◁/think▷",
        "<|channel|>",
        "<|start|>",
        "<|message|>",
        "<|end|>",
        "<|return|>",
        "final",
        "analysis",
        "assistantfinal",
    ])
}
