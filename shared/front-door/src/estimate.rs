use runmill_pricing::{TOKENS_PER_MESSAGE, estimate_tokens};
use runmill_proto::{
    ResponseFormat,
    chat::{Conversation, Message, Part},
};
use serde_json::{Value, json};

/// Number of tokens that count for an image: those of one of a common size.
const TOKENS_PER_IMAGE: u64 = 1000;

/// Estimates the tokens of a conversation's prompt without a tokenizer, because each model has another one.
pub fn estimate_prompt_tokens(conversation: &Conversation) -> u64 {
    let system = conversation.system.as_deref().map_or(0, |text| estimate_tokens(text) + TOKENS_PER_MESSAGE);
    let messages: u64 = conversation.messages.iter().map(message).sum();
    let generation = &conversation.generation;
    let tools: u64 = generation.tools.iter().map(|tool| json_tokens(&json!(tool))).sum();
    let schema = match &generation.response_format {
        Some(ResponseFormat::JsonSchema { json_schema }) => json_tokens(&json_schema.schema),
        _ => 0,
    };
    system + messages + tools + schema
}

fn message(message: &Message) -> u64 {
    let part = |part: &Part| match part {
        Part::Text(text) => estimate_tokens(text),
        Part::Image(_) => TOKENS_PER_IMAGE,
    };
    let parts: u64 = message.parts.iter().map(part).sum();
    let calls = message.tool_calls.iter();
    let calls: u64 = calls.map(|call| estimate_tokens(&call.name) + estimate_tokens(&call.arguments)).sum();
    TOKENS_PER_MESSAGE + parts + calls
}

fn json_tokens(value: &Value) -> u64 {
    estimate_tokens(&value.to_string())
}

/// Returns the answer of `/v1/messages/count_tokens`.
pub fn token_count(input_tokens: u64) -> Value {
    json!({ "input_tokens": input_tokens })
}

#[cfg(test)]
mod tests {
    use runmill_proto::{Image, chat::Role};

    use super::*;

    #[test]
    fn every_part_of_a_prompt_counts() {
        let image = Part::Image(Image::Url { url: "https://example.org/x.png".into() });
        let mut asked = Message::text(Role::User, "twelve bytes");
        asked.parts.push(image);
        let conversation =
            Conversation { system: Some("four".into()), messages: vec![asked], ..Conversation::default() };

        let tokens = estimate_prompt_tokens(&conversation);

        assert_eq!(tokens, (1 + TOKENS_PER_MESSAGE) + (3 + TOKENS_PER_IMAGE + TOKENS_PER_MESSAGE));
    }
}
