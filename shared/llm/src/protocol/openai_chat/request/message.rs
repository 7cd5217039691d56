use std::borrow::Cow;

use runmill_proto::ToolCall;
use serde::Serialize;

use crate::{
    ChatMessage, Part,
    protocol::{
        openai,
        places::{Places, has_content, name},
        turn::Content,
    },
};

/// A tool's result is text here; images follow in a message of the user, which is the caller's to write.
pub(in super::super) const PLACES: Places =
    Places { protocol: "openai_chat", late_system: true, tool_images: false };

#[derive(Serialize)]
pub(super) struct Message<'a> {
    role: &'static str,
    /// Null in a message that only calls tools.
    content: Option<Content<'a, ContentPart<'a>>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<WireCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ContentPart<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: ImageUrl<'a> },
}

#[derive(Serialize)]
pub(super) struct ImageUrl<'a> {
    url: Cow<'a, str>,
}

#[derive(Serialize)]
struct WireCall<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    function: WireFunction<'a>,
}

#[derive(Serialize)]
struct WireFunction<'a> {
    name: &'a str,
    arguments: &'a str,
}

impl<'a> Message<'a> {
    pub fn system(text: &'a str) -> Self {
        Self {
            role: "system",
            content: Some(Content::Text(text)),
            tool_calls: Vec::new(),
            tool_call_id: None,
        }
    }
}

impl<'a> From<&'a ChatMessage> for Message<'a> {
    fn from(message: &'a ChatMessage) -> Self {
        Self {
            role: name(message.role),
            content: has_content(message).then(|| Content::new(&message.parts, ContentPart::from)),
            tool_calls: message.tool_calls.iter().map(WireCall::from).collect(),
            tool_call_id: message.tool_call_id.as_deref(),
        }
    }
}

impl<'a> From<&'a Part> for ContentPart<'a> {
    fn from(part: &'a Part) -> Self {
        match part {
            Part::Text(text) => Self::Text { text },
            Part::Image(image) => Self::ImageUrl { image_url: ImageUrl { url: openai::image_url(image) } },
        }
    }
}

impl<'a> From<&'a ToolCall> for WireCall<'a> {
    fn from(ToolCall { id, name, arguments }: &'a ToolCall) -> Self {
        // Servers parse the text, and not all take an empty one.
        let arguments = if arguments.is_empty() { "{}" } else { arguments };
        Self { id, kind: "function", function: WireFunction { name, arguments } }
    }
}
