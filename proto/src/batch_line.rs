use serde::Deserialize;
use serde_json::Value;

use crate::{Inputs, Item, ItemRequest, ItemType, message::Invocation};

/// Path of the requests of a batch of messages, which do not name it.
const MESSAGES: &str = "/v1/messages";

/// A line of a batch's file, as OpenAI's clients write it, or a request of a batch of messages, as Anthropic's do.
#[derive(Deserialize)]
struct BatchLine {
    custom_id: String,
    url: Option<String>,
    body: Option<Value>,
    params: Option<Value>,
}

/// Reads the line of a batch as an item, whose id is the request's `custom_id`. Returns `None` if it is no such line.
pub(crate) fn item(line: &str) -> Option<Item> {
    let BatchLine { custom_id, url, body, params } = serde_json::from_str(line).ok()?;
    let body = body.or(params)?;
    Some(Item {
        id: custom_id,
        item_type: ItemType::Freeform,
        inputs: Inputs { text: preview(&body), ..Inputs::default() },
        choices: Vec::new(),
        answer: None,
        answers: Vec::new(),
        checker: None,
        criteria: None,
        meta: None,
        request: Some(ItemRequest { url: url.unwrap_or_else(|| MESSAGES.to_owned()), body }),
    })
}

/// Returns the start of the last message, for people who watch the run.
fn preview(body: &Value) -> String {
    let turns = body.get("messages").or_else(|| body.get("input"));
    let last = turns.and_then(Value::as_array).and_then(|turns| turns.last()?.get("content"));
    let content = last.or(turns).or_else(|| body.get("prompt"));
    let text = content.and_then(|content| match content {
        Value::Array(parts) => parts.iter().find_map(|part| part.get("text")),
        content => Some(content),
    });
    Invocation::preview(text.and_then(Value::as_str).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lines_of_both_protocols_are_items_with_a_request() {
        let body = json!({"model": "m", "messages": [{"role": "user", "content": "1+1"}]});
        let openai =
            json!({"custom_id": "q1", "method": "POST", "url": "/v1/chat/completions", "body": body});
        let anthropic = json!({"custom_id": "q1", "params": body});
        for (line, url) in [(openai, "/v1/chat/completions"), (anthropic, "/v1/messages")] {
            let item = Item::from_json(&line.to_string()).unwrap();
            assert_eq!((item.id.as_str(), item.inputs.text.as_str()), ("q1", "1+1"));
            assert_eq!(item.request, Some(ItemRequest { url: url.into(), body: body.clone() }));
        }
    }

    #[test]
    fn a_line_of_a_batch_is_a_request_whatever_else_it_has() {
        let body = json!({"model": "m", "prompt": "1+1"});
        let as_item = json!({
            "custom_id": "q1", "method": "POST", "url": "/v1/completions", "body": body, "params": 7,
            "id": "i", "type": "freeform", "inputs": {"text": "2+2"}, "request": {"url": "/x", "body": {}},
        });
        let item = Item::from_batch_line(&as_item.to_string()).unwrap();
        assert_eq!((item.id.as_str(), item.inputs.text.as_str()), ("q1", "1+1"));
        assert_eq!(item.request, Some(ItemRequest { url: "/v1/completions".into(), body }));
        // In a dataset the same line is an item.
        assert_eq!(Item::from_json(&as_item.to_string()).unwrap().id, "i");
        assert!(Item::from_batch_line(r#"{"id":"i","type":"freeform","inputs":{"text":"?"}}"#).is_err());
    }

    #[test]
    fn the_start_of_the_last_message_is_shown() {
        let table = [
            (
                json!({"messages": [{"content": [{"type": "image"}, {"type": "text", "text": "what?"}]}]}),
                "what?",
            ),
            (json!({"input": "2+2"}), "2+2"),
            (json!({"input": [{"content": [{"text": "3+3"}]}]}), "3+3"),
            (json!({"prompt": "once"}), "once"),
            (json!({"messages": [{"content": null}]}), ""),
            (json!(7), ""),
        ];
        for (body, want) in table {
            assert_eq!(preview(&body), want, "{body}");
        }
    }
}
