use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor, value::SeqAccessDeserializer},
};
use serde_json::value::RawValue;

use crate::protocol::{
    draft::Draft,
    lenient,
    text::{Text, or_empty},
};

/// The `content` of a message. It is a text, except that Mistral's reasoning models send a list.
pub(super) enum Content<'a> {
    Text(Text<'a>),
    Parts(Vec<Part<'a>>),
}

/// A part: `{"type": "text", "text": ...}`, or `{"type": "thinking", "thinking": ...}` with a text or a list of texts.
/// Parts of other types add nothing.
#[derive(Deserialize)]
pub(super) struct Part<'a> {
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    text: Option<Text<'a>>,
    #[serde(borrow, default)]
    thinking: Option<&'a RawValue>,
}

impl Content<'_> {
    /// Adds the content to the answer. Returns false if there was nothing to add.
    pub fn add_to(&self, draft: &mut Draft) -> bool {
        let parts = match self {
            Self::Text(text) => return draft.text(&text.0),
            Self::Parts(parts) => parts,
        };
        let mut added = false;
        for part in parts {
            added |= draft.text(or_empty(part.text.as_ref()));
            added |= part.thinking.is_some_and(|thinking| add_thinking(thinking, draft));
        }
        added
    }
}

fn add_thinking(thinking: &RawValue, draft: &mut Draft) -> bool {
    match serde_json::from_str(thinking.get()) {
        Ok(Content::Text(text)) => draft.reasoning(&text.0),
        Ok(Content::Parts(parts)) => {
            parts.iter().fold(false, |added, part| draft.reasoning(or_empty(part.text.as_ref())) | added)
        }
        Err(_) => false,
    }
}

// Not derived, because an untagged enum would copy each token's text to find its variant.
impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrParts;
        impl<'de> Visitor<'de> for TextOrParts {
            type Value = Content<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of parts")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Content::Text(Text(text.into())))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Content::Text(Text(text.to_owned().into())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, parts: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(parts)).map(Content::Parts)
            }
        }
        deserializer.deserialize_any(TextOrParts)
    }
}
