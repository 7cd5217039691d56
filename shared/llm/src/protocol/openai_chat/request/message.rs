use std::borrow::Cow;

use serde::Serialize;

use crate::{
    Part,
    protocol::{openai, turn::Turn},
};

pub(super) type Message<'a> = Turn<'a, ContentPart<'a>>;

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

impl<'a> From<&'a Part> for ContentPart<'a> {
    fn from(part: &'a Part) -> Self {
        match part {
            Part::Text(text) => Self::Text { text },
            Part::Image(image) => Self::ImageUrl { image_url: ImageUrl { url: openai::image_url(image) } },
        }
    }
}
