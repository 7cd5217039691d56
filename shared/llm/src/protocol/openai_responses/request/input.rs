use std::borrow::Cow;

use serde::Serialize;

use crate::{
    ChatMessage, Part, Role,
    protocol::{openai, turn::Turn},
};

/// A message of the conversation.
pub(super) type Input<'a> = Turn<'a, ContentPart<'a>>;

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ContentPart<'a> {
    InputText { text: &'a str },
    InputImage { image_url: Cow<'a, str>, detail: &'static str },
    OutputText { text: &'a str },
}

pub(super) fn input(message: &ChatMessage) -> Input<'_> {
    Turn::new(message, |part| ContentPart::of(part, message.role))
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
