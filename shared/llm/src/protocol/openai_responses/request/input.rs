use std::borrow::Cow;

use serde::Serialize;

use crate::{ChatMessage, Part, Role, protocol::openai};

/// A message of the conversation.
#[derive(Serialize)]
pub(super) struct Input<'a> {
    role: &'static str,
    content: Content<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(&'a str),
    Parts(Vec<ContentPart<'a>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ContentPart<'a> {
    InputText { text: &'a str },
    InputImage { image_url: Cow<'a, str>, detail: &'static str },
    OutputText { text: &'a str },
}

impl<'a> From<&'a ChatMessage> for Input<'a> {
    fn from(message: &'a ChatMessage) -> Self {
        let content = match &message.parts[..] {
            [Part::Text(text)] => Content::Text(text),
            parts => Content::Parts(parts.iter().map(|part| ContentPart::of(part, message.role)).collect()),
        };
        let role = match message.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        Self { role, content }
    }
}

impl<'a> ContentPart<'a> {
    fn of(part: &'a Part, role: Role) -> Self {
        match (part, role) {
            (Part::Text(text), Role::User) => Self::InputText { text },
            (Part::Text(text), Role::Assistant) => Self::OutputText { text },
            (Part::Image(image), _) => {
                Self::InputImage { image_url: openai::image_url(image), detail: "auto" }
            }
        }
    }
}
