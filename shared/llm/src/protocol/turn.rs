use serde::Serialize;

use crate::{ChatMessage, Part, Role};

/// A message of the conversation, as all protocols but Gemini write it, with the protocol's own type of parts `P`.
#[derive(Serialize)]
pub(super) struct Turn<'a, P> {
    role: &'static str,
    content: Content<'a, P>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a, P> {
    Text(&'a str),
    Parts(Vec<P>),
}

impl<'a, P> Turn<'a, P> {
    pub fn system(text: &'a str) -> Self {
        Self { role: "system", content: Content::Text(text) }
    }

    /// Writes a single text as a plain string, because not every server accepts parts.
    pub fn new(message: &'a ChatMessage, part: impl Fn(&'a Part) -> P) -> Self {
        let role = match message.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        let content = match &message.parts[..] {
            [Part::Text(text)] => Content::Text(text),
            parts => Content::Parts(parts.iter().map(part).collect()),
        };
        Self { role, content }
    }
}
