use runmill_pricing::{estimate_message_tokens, estimate_tokens};
use runmill_proto::{Generation, Item, JobConfig};

/// Estimates the tokens of a run's prompts.
pub struct Counter {
    /// Number of tokens that every prompt has: system prompt, tools, schema of the answer.
    common: u64,
    takes_images: bool,
}

impl Counter {
    pub fn new(job: &JobConfig, takes_images: bool) -> Self {
        let system = job.system_prompt.as_deref().map_or(0, estimate_message_tokens);
        Self { common: system + outside_messages(&job.generation), takes_images }
    }

    /// Returns the prompt tokens of a call whose question is `text`, without the messages before it.
    pub fn prompt_tokens(&self, text: &str) -> u64 {
        self.common + estimate_message_tokens(text)
    }

    /// Returns the tokens of the messages before the question.
    pub fn tokens_before(item: &Item) -> u64 {
        item.inputs.messages.iter().map(|turn| estimate_message_tokens(&turn.content)).sum()
    }

    /// Returns the number of images that are sent with the item. Their tokens are not estimated.
    pub fn images(&self, item: &Item) -> usize {
        if self.takes_images { item.inputs.images.len() } else { 0 }
    }
}

/// Counts the tokens of tools and of a schema by their JSON, because the model gets about as many characters of them.
fn outside_messages(generation: &Generation) -> u64 {
    let json = |value: serde_json::Result<String>| value.map_or(0, |json| estimate_tokens(&json));
    let tools = if generation.tools.is_empty() { 0 } else { json(serde_json::to_string(&generation.tools)) };
    let format = generation.response_format.as_ref().map_or(0, |format| json(serde_json::to_string(format)));
    tools + format
}

#[cfg(test)]
mod tests {
    use runmill_proto::RunConfig;
    use serde_json::{Value, json};

    use super::*;

    fn counter(config: &Value, takes_images: bool) -> Counter {
        Counter::new(&RunConfig(config.as_object().unwrap().clone()).job().unwrap(), takes_images)
    }

    #[test]
    fn four_bytes_are_a_token_and_a_message_has_four_more() {
        for (text, want) in [("", 4), ("a", 5), ("four", 5), ("fiver", 6), ("日本", 6)] {
            assert_eq!(counter(&json!({}), false).prompt_tokens(text), want, "{text}");
        }
    }

    #[test]
    fn what_every_call_carries_is_counted_in_every_call() {
        let system = json!({"system_prompt": "Be terse, be true."});
        assert_eq!(counter(&system, false).prompt_tokens("four"), 5 + 4 + 5);
        let tool = json!({"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}});
        assert!(counter(&json!({"tools": [tool]}), false).prompt_tokens("four") > 5 + 15);
    }

    #[test]
    fn images_count_where_they_are_sent() {
        let line = r#"{"id":"a","type":"freeform","inputs":{"text":"?","images":[{"url":"https://example.org/a.png"}]}}"#;
        let item = Item::from_json(line).unwrap();
        for takes_images in [true, false] {
            assert_eq!(counter(&json!({}), takes_images).images(&item), usize::from(takes_images));
        }
    }
}
