use std::borrow::Cow;

use serde::Serialize;

use crate::{
    ChatMessage, Part, Role,
    protocol::{
        openai,
        places::{Places, has_content, name},
        turn::{Content, Turn},
    },
};

pub(super) const PLACES: Places =
    Places { protocol: "openai_responses", late_system: true, tool_images: true };

/// An element of the conversation.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Input<'a> {
    Message(Turn<'a, ContentPart<'a>>),
    Item(Item<'a>),
}

/// An element that is no message.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Item<'a> {
    FunctionCall { call_id: &'a str, name: &'a str, arguments: &'a str },
    FunctionCallOutput { call_id: &'a str, output: Content<'a, ContentPart<'a>> },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ContentPart<'a> {
    InputText { text: &'a str },
    InputImage { image_url: Cow<'a, str>, detail: &'static str },
    OutputText { text: &'a str },
}

/// Returns the elements of a message: its content, and then the calls of tools.
pub(super) fn input(message: &ChatMessage) -> impl Iterator<Item = Input<'_>> {
    let role = message.role;
    let content = || Content::new(&message.parts, |part| ContentPart::of(part, role));
    let said = if role == Role::Tool {
        let call_id = message.tool_call_id.as_deref().unwrap_or_default();
        Some(Input::Item(Item::FunctionCallOutput { call_id, output: content() }))
    } else {
        has_content(message).then(|| Input::Message(Turn { role: name(role), content: content() }))
    };
    let calls = message.tool_calls.iter().map(|call| {
        let arguments = if call.arguments.is_empty() { "{}" } else { &call.arguments };
        Input::Item(Item::FunctionCall { call_id: &call.id, name: &call.name, arguments })
    });
    said.into_iter().chain(calls)
}

impl<'a> ContentPart<'a> {
    fn of(part: &'a Part, role: Role) -> Self {
        match part {
            Part::Text(text) if role == Role::Assistant => Self::OutputText { text },
            Part::Text(text) => Self::InputText { text },
            Part::Image(image) => Self::InputImage { image_url: openai::image_url(image), detail: "auto" },
        }
    }
}
