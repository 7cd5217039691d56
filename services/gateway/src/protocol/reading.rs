//! Parts of requests that several protocols share. Everything else in a request is skipped.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, de};

/// Text of a message: a string, or the joined text parts of a list. It is no untagged enum, because that would copy
/// the text.
#[derive(Debug, Default)]
pub(crate) struct Text<'a>(pub Cow<'a, str>);

/// An object with a name, such as a function.
#[derive(Debug, Deserialize)]
pub(crate) struct Named<'a> {
    #[serde(borrow)]
    pub name: Cow<'a, str>,
}

/// Format of the answer that a request asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct Format<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
}

#[derive(Deserialize)]
struct ContentPart<'a> {
    #[serde(borrow, default)]
    text: Text<'a>,
}

impl Format<'_> {
    pub fn is_json(&self) -> bool {
        self.kind == "json_object" || self.kind == "json_schema"
    }
}

/// Reads `null`, which some clients send for an absent field, as the default.
pub(crate) fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor).map(Self)
    }
}

struct TextVisitor;

impl<'de> de::Visitor<'de> for TextVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a list of parts")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(""))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
        let mut whole = Cow::Borrowed("");
        while let Some(part) = parts.next_element::<ContentPart<'de>>()? {
            whole += part.text.0;
        }
        Ok(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_parts_are_the_text() {
        let table = [
            (r#""a b""#, "a b"),
            ("null", ""),
            ("[]", ""),
            (r#"[{"type":"text","text":"a "},{"type":"image_url","image_url":{}},{"text":"b"}]"#, "a b"),
            (r#"[{"text":null},{"functionCall":{"name":"f"}}]"#, ""),
        ];
        for (json, want) in table {
            assert_eq!(serde_json::from_str::<Text<'_>>(json).unwrap().0, want, "{json}");
        }
    }

    #[test]
    fn a_text_without_escapes_is_not_copied() {
        for json in [r#""a""#, r#"[{"text":"a"}]"#] {
            let text: Text<'_> = serde_json::from_str(json).unwrap();
            assert!(matches!(text.0, Cow::Borrowed("a")), "{json}");
        }
    }

    #[test]
    fn what_is_no_text_is_refused() {
        let error = serde_json::from_str::<Text<'_>>("7").unwrap_err();

        assert!(error.to_string().contains("a text or a list of parts"), "{error}");
    }
}
