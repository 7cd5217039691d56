//! Answers that are larger than any real one.

use runmill_llm::{
    ModelError,
    protocol::{
        Dialect, Protocol, UnusableAnswer, anthropic_messages::AnthropicMessages, gemini::Gemini,
        openai_chat::OpenAiChat, openai_responses::OpenAiResponses,
    },
};

const CALLS: usize = 100_000;

#[test]
fn a_buffered_answer_of_too_many_tool_calls_is_an_error() {
    let table: [(&dyn Protocol, &str, &str, &str); 4] = [
        (
            &OpenAiChat { dialect: Dialect::COMPATIBLE },
            r#"{"choices":[{"finish_reason":"tool_calls","message":{"tool_calls":["#,
            r#"{"function":{"name":"f"}}"#,
            "]}}]}",
        ),
        (
            &OpenAiResponses { dialect: Dialect::OPENAI },
            r#"{"status":"completed","output":["#,
            r#"{"type":"function_call","name":"f"}"#,
            "]}",
        ),
        (
            &AnthropicMessages,
            r#"{"stop_reason":"tool_use","content":["#,
            r#"{"type":"tool_use","name":"f"}"#,
            "]}",
        ),
        (
            &Gemini,
            r#"{"candidates":[{"finishReason":"STOP","content":{"parts":["#,
            r#"{"functionCall":{"name":"f"}}"#,
            "]}}]}",
        ),
    ];
    for (protocol, head, call, tail) in table {
        let answer = |calls: usize| {
            protocol.buffered(format!("{head}{}{tail}", vec![call; calls].join(",")).as_bytes())
        };

        assert_eq!(answer(3).unwrap().tool_calls.len(), 3, "{head}");
        assert!(
            matches!(answer(CALLS), Err(UnusableAnswer { error: ModelError::Malformed { .. }, .. })),
            "{head}"
        );
    }
}
