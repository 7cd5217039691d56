//! A conversation with calls of tools, as each protocol writes it.

use runmill_llm::{ChatMessage, ChatRequest, ModelError, Part, Role, protocol::Form};
use runmill_proto::{
    Image, ToolCall,
    chat::{Conversation, Message},
};
use serde_json::{Value, json};

use crate::wire::protocols;

fn inline() -> Part {
    Part::Image(Image::Inline {
        mime_type: "image/png".into(),
        encoding: "base64".into(),
        data: "AAAA".into(),
    })
}

fn result(id: &str, parts: Vec<Part>) -> ChatMessage {
    Message { tool_call_id: Some(id.into()), ..Message::new(Role::Tool, parts) }
}

fn text(text: &str) -> Part {
    Part::Text(text.into())
}

/// Returns two calls in one turn and their results, after a question with an image.
fn conversation() -> Conversation {
    let call = |id: &str, name: &str, arguments: &str| ToolCall {
        id: id.into(),
        name: name.into(),
        arguments: arguments.into(),
    };
    let calls = vec![call("c1", "add", r#"{"a": 1}"#), call("c2", "now", "")];
    Conversation {
        system: Some("be brief".into()),
        messages: vec![
            Message::new(Role::User, vec![text("add"), inline()]),
            Message { tool_calls: calls, ..Message::new(Role::Assistant, vec![text("")]) },
            result("c1", vec![text("3")]),
            result("c2", vec![text(r#"{"hour": 7}"#)]),
            Message::text(Role::User, "thanks"),
        ],
        ..Conversation::default()
    }
}

/// Returns what each protocol makes of a conversation: the list of its elements, or an error.
fn sent(conversation: &Conversation, model: &str) -> Vec<(&'static str, Result<Value, ModelError>)> {
    let request = ChatRequest { model: model.into(), ..ChatRequest::from(conversation.clone()) };
    let sent = protocols().into_iter().map(|(name, protocol)| {
        let wire = protocol.encode(&request, Form::default());
        let elements = wire.map(|wire| {
            let mut body: Value = serde_json::from_slice(&wire.body).unwrap();
            let list = ["messages", "input", "contents"].into_iter().find(|list| body.get(list).is_some());
            body[list.unwrap()].take()
        });
        (name, elements)
    });
    sent.collect()
}

#[test]
fn calls_of_tools_and_their_results_are_sent_in_every_protocol() {
    let want = [
        (
            "anthropic_messages",
            json!([
                {"role": "user", "content": [
                    {"type": "text", "text": "add"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
                ]},
                {"role": "assistant", "content": [
                    {"type": "tool_use", "id": "c1", "name": "add", "input": {"a": 1}},
                    {"type": "tool_use", "id": "c2", "name": "now", "input": {}},
                ]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "c1", "content": "3"},
                    {"type": "tool_result", "tool_use_id": "c2", "content": "{\"hour\": 7}"},
                ]},
                {"role": "user", "content": "thanks"},
            ]),
        ),
        (
            "gemini",
            json!([
                {"role": "user", "parts": [
                    {"text": "add"},
                    {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
                ]},
                {"role": "model", "parts": [
                    {"functionCall": {"name": "add", "args": {"a": 1}}},
                    {"functionCall": {"name": "now", "args": {}}},
                ]},
                {"role": "user", "parts": [
                    {"functionResponse": {"name": "add", "response": {"output": "3"}}},
                    {"functionResponse": {"name": "now", "response": {"hour": 7}}},
                ]},
                {"role": "user", "parts": [{"text": "thanks"}]},
            ]),
        ),
        (
            "openai_chat",
            json!([
                {"role": "system", "content": "be brief"},
                {"role": "user", "content": [
                    {"type": "text", "text": "add"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                ]},
                {"role": "assistant", "content": null, "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{\"a\": 1}"}},
                    {"id": "c2", "type": "function", "function": {"name": "now", "arguments": "{}"}},
                ]},
                {"role": "tool", "content": "3", "tool_call_id": "c1"},
                {"role": "tool", "content": "{\"hour\": 7}", "tool_call_id": "c2"},
                {"role": "user", "content": "thanks"},
            ]),
        ),
        (
            "openai_responses",
            json!([
                {"role": "user", "content": [
                    {"type": "input_text", "text": "add"},
                    {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "auto"},
                ]},
                {"type": "function_call", "call_id": "c1", "name": "add", "arguments": "{\"a\": 1}"},
                {"type": "function_call", "call_id": "c2", "name": "now", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "c1", "output": "3"},
                {"type": "function_call_output", "call_id": "c2", "output": "{\"hour\": 7}"},
                {"role": "user", "content": "thanks"},
            ]),
        ),
    ];

    let sent = sent(&conversation(), "m");

    for ((name, sent), (want_name, want)) in sent.into_iter().zip(want) {
        assert_eq!((name, sent), (want_name, Ok(want)));
    }
}

#[test]
fn words_beside_calls_of_tools_come_before_them() {
    let mut conversation = conversation();
    conversation.messages[1].parts = vec![text("one moment")];

    let sent: Vec<_> = sent(&conversation, "m").into_iter().map(|(_, sent)| sent.unwrap()).collect();

    assert_eq!(sent[0][1]["content"][0], json!({"type": "text", "text": "one moment"}));
    assert_eq!(sent[1][1]["parts"][0], json!({"text": "one moment"}));
    assert_eq!(sent[2][2]["content"], "one moment");
    assert_eq!(sent[3][1], json!({"role": "assistant", "content": "one moment"}));
}

#[test]
fn an_image_of_a_result_goes_where_the_protocol_takes_one() {
    let mut conversation = conversation();
    conversation.messages[2].parts = vec![text("seen"), inline()];

    let mut sent = sent(&conversation, "m").into_iter();
    let mut next = || sent.next().unwrap().1;

    let source = json!({"type": "base64", "media_type": "image/png", "data": "AAAA"});
    let content = json!([{"type": "text", "text": "seen"}, {"type": "image", "source": source}]);
    assert_eq!(next().unwrap()[2]["content"][0]["content"], content);
    let parts = json!([{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]);
    let response = json!({"name": "add", "response": {"output": "seen"}, "parts": parts});
    assert_eq!(next().unwrap()[2]["parts"][0]["functionResponse"], response);
    let words = "the protocol openai_chat has no place for an image in a message of the role tool";
    assert!(next().unwrap_err().to_string().contains(words));
    let image = json!({"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "auto"});
    assert_eq!(next().unwrap()[3]["output"], json!([{"type": "input_text", "text": "seen"}, image]));
}

#[test]
fn a_late_system_message_is_sent_or_refused() {
    let mut conversation = conversation();
    conversation.messages.insert(4, Message::text(Role::System, "in French"));
    let late = json!({"role": "system", "content": "in French"});

    for (name, sent) in sent(&conversation, "m") {
        match sent {
            Ok(sent) => assert!(sent.as_array().unwrap().contains(&late), "{name}: {sent}"),
            Err(error) => {
                let words = format!("the protocol {name} has no place for a message of the role system");
                assert!(matches!(name, "anthropic_messages" | "gemini"));
                assert!(error.to_string().contains(&words), "{error}");
            }
        }
    }
}

#[test]
fn what_cannot_be_an_object_or_has_no_name_is_refused_with_its_role() {
    let mut broken = conversation();
    broken.messages[1].tool_calls[0].arguments = "{\"a\": ".into();
    let mut strange = conversation();
    strange.messages[2].tool_call_id = Some("c9".into());
    let table = [
        (broken, &["anthropic_messages", "gemini"][..], "role assistant that calls `add` with arguments"),
        (strange, &["gemini"][..], "role tool whose call `c9` no earlier message has"),
    ];
    for (conversation, refusing, words) in table {
        for (name, sent) in sent(&conversation, "m") {
            assert_eq!(sent.is_err(), refusing.contains(&name), "{name}");
            let error = sent.err().map(|error| error.to_string());
            assert!(error.is_none_or(|error| error.contains(words) && error.contains(name)), "{name}");
        }
    }
}

#[test]
fn models_that_sign_their_calls_are_told_that_a_signature_is_missing() {
    let signature = |model| {
        let sent = sent(&conversation(), model).swap_remove(1).1.unwrap();
        [0, 1].map(|call| sent[1]["parts"][call].get("thoughtSignature").cloned())
    };
    let unsigned = || Some(json!("skip_thought_signature_validator"));
    assert_eq!(signature("gemini-3.1-pro-preview"), [unsigned(), None]);
    assert_eq!(signature("gemini-flash-latest"), [unsigned(), None]);
    assert_eq!(signature("gemini-2.5-flash"), [None, None]);
    assert_eq!(signature("gemma-3"), [None, None]);
}
