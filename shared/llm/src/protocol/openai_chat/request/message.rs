use std::borrow::Cow;

use serde::Serialize;

use crate::{ChatMessage, Part, Role, protocol::openai};

#[derive(Serialize)]
pub(super) struct Message<'a> {
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
    Text { text: &'a str },
    ImageUrl { image_url: ImageUrl<'a> },
}

#[derive(Serialize)]
struct ImageUrl<'a> {
    url: Cow<'a, str>,
}

impl<'a> Message<'a> {
    pub fn system(text: &'a str) -> Self {
        Self { role: "system", content: Content::Text(text) }
    }
}

impl<'a> From<&'a ChatMessage> for Message<'a> {
    fn from(message: &'a ChatMessage) -> Self {
        let role = match message.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        // A plain text where it is one: not every server takes parts.
        let content = match &message.parts[..] {
            [Part::Text(text)] => Content::Text(text),
            parts => Content::Parts(parts.iter().map(ContentPart::from).collect()),
        };
        Self { role, content }
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
