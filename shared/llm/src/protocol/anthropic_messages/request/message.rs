use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    ChatMessage, ModelError, Part, Role,
    protocol::{
        image::ImageSource,
        places::{Places, name},
        turn::{Content, Turn},
    },
};

const PLACES: Places = Places { protocol: "anthropic_messages", late_system: false, tool_images: true };

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ContentBlock<'a> {
    Text { text: &'a str },
    Image { source: Source<'a> },
    ToolUse { id: &'a str, name: &'a str, input: &'a RawValue },
    ToolResult { tool_use_id: &'a str, content: Content<'a, ContentBlock<'a>> },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Source<'a> {
    Base64 { media_type: &'a str, data: &'a str },
    Url { url: &'a str },
}

/// Writes the conversation. The results of all calls of a turn must be in the message that follows it.
pub(super) fn messages(messages: &[ChatMessage]) -> Result<Vec<Turn<'_, ContentBlock<'_>>>, ModelError> {
    PLACES.check(messages)?;
    let turns = messages.chunk_by(|one, next| (one.role, next.role) == (Role::Tool, Role::Tool));
    turns.map(turn).collect()
}

/// Writes results of tools, or a single other message.
fn turn(messages: &[ChatMessage]) -> Result<Turn<'_, ContentBlock<'_>>, ModelError> {
    let message = &messages[0];
    let content = match message.role {
        Role::Tool => {
            let results = messages.iter().map(ContentBlock::result).collect();
            return Ok(Turn { role: "user", content: Content::Parts(results) });
        }
        _ if message.tool_calls.is_empty() => Content::new(&message.parts, ContentBlock::from),
        _ => Content::Parts(with_calls(message)?),
    };
    Ok(Turn { role: name(message.role), content })
}

/// Writes a message that calls tools. Empty texts are left out, because the API refuses them.
fn with_calls(message: &ChatMessage) -> Result<Vec<ContentBlock<'_>>, ModelError> {
    let is_empty = |part: &&Part| matches!(part, Part::Text(text) if text.is_empty());
    let parts = message.parts.iter().filter(|part| !is_empty(part)).map(ContentBlock::from).map(Ok);
    let calls = message.tool_calls.iter().map(|call| {
        let input = PLACES.arguments(call)?;
        Ok(ContentBlock::ToolUse { id: &call.id, name: &call.name, input })
    });
    parts.chain(calls).collect()
}

impl<'a> ContentBlock<'a> {
    fn result(message: &'a ChatMessage) -> Self {
        Self::ToolResult {
            tool_use_id: message.tool_call_id.as_deref().unwrap_or_default(),
            content: Content::new(&message.parts, Self::from),
        }
    }
}

impl<'a> From<&'a Part> for ContentBlock<'a> {
    fn from(part: &'a Part) -> Self {
        let image = match part {
            Part::Text(text) => return Self::Text { text },
            Part::Image(image) => image,
        };
        let source = match ImageSource::from(image) {
            ImageSource::Data { mime_type, data } => Source::Base64 { media_type: mime_type, data },
            ImageSource::Url(url) => Source::Url { url },
        };
        Self::Image { source }
    }
}
