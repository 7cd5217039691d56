use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, de};

use super::ApiError;
use crate::behaviour::tokens;

/// What is read of a chat request, borrowed from its bytes; the rest is skipped.
#[derive(Debug, Deserialize)]
pub(super) struct ChatRequest<'a> {
    #[serde(borrow)]
    pub model: Cow<'a, str>,
    #[serde(borrow)]
    messages: Vec<Message<'a>>,
    #[serde(default, deserialize_with = "or_default")]
    pub stream: bool,
    #[serde(default, deserialize_with = "or_default")]
    stream_options: StreamOptions,
    #[serde(default)]
    max_tokens: Option<usize>,
    #[serde(default)]
    max_completion_tokens: Option<usize>,
    #[serde(default)]
    n: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow, default)]
    content: Content<'a>,
}

#[derive(Debug, Default, Deserialize)]
struct StreamOptions {
    #[serde(default, deserialize_with = "or_default")]
    include_usage: bool,
}

/// The text of a message: a string, or the text parts of a list. Not an untagged enum, which would copy it.
#[derive(Debug, Default)]
struct Content<'a>(Cow<'a, str>);

#[derive(Debug, Deserialize)]
struct Part<'a> {
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
}

impl<'a> ChatRequest<'a> {
    pub fn parse(body: &'a [u8]) -> Result<Self, ApiError> {
        let request: Self = serde_json::from_slice(body).map_err(|error| ApiError::unreadable(&error))?;
        if request.n.is_some_and(|n| n != 1) {
            return Err(ApiError::invalid("this server makes one choice a request", "n"));
        }
        if request.messages.is_empty() {
            return Err(ApiError::invalid("there must be at least one message", "messages"));
        }
        Ok(request)
    }

    /// The user's last message.
    pub fn prompt(&self) -> &str {
        self.messages.iter().rfind(|message| message.role == "user").map_or("", |message| &*message.content.0)
    }

    pub fn prompt_tokens(&self) -> usize {
        self.messages.iter().map(|message| tokens(&message.content.0).count()).sum()
    }

    pub fn tokens_max(&self) -> Option<usize> {
        self.max_completion_tokens.or(self.max_tokens)
    }

    pub fn include_usage(&self) -> bool {
        self.stream_options.include_usage
    }
}

/// Clients send `null` for what they leave out.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor).map(Self)
    }
}

struct ContentVisitor;

impl<'de> de::Visitor<'de> for ContentVisitor {
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
        while let Some(part) = parts.next_element::<Part<'de>>()? {
            if let Some(text) = part.text {
                whole += text;
            }
        }
        Ok(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(rest: &str) -> Result<ChatRequest<'_>, ApiError> {
        ChatRequest::parse(rest.as_bytes())
    }

    #[test]
    fn the_prompt_is_the_users_last_message() {
        let table = [
            (r#"[{"role":"user","content":"a b"}]"#, "a b", 2),
            (
                r#"[{"role":"system","content":"s"},{"role":"user","content":"a"},{"role":"user","content":"b"}]"#,
                "b",
                3,
            ),
            (r#"[{"role":"user","content":"a\nb"},{"role":"assistant","content":null}]"#, "a\nb", 2),
            (r#"[{"role":"assistant","tool_calls":[{"id":"x"}]}]"#, "", 0),
            (
                r#"[{"role":"user","content":[{"type":"text","text":"a "},{"type":"image_url","image_url":{}},{"type":"text","text":"b"}]}]"#,
                "a b",
                2,
            ),
        ];
        for (messages, prompt, prompt_tokens) in table {
            let body = format!(r#"{{"model":"echo","messages":{messages}}}"#);
            let request = parse(&body).unwrap();
            assert_eq!((request.prompt(), request.prompt_tokens()), (prompt, prompt_tokens), "{messages}");
        }
    }

    #[test]
    fn a_request_without_escapes_is_not_copied() {
        let request = parse(r#"{"model":"echo","messages":[{"role":"user","content":"a"}]}"#).unwrap();

        assert!(matches!(request.model, Cow::Borrowed(_)));
        assert!(matches!(request.messages[0].content.0, Cow::Borrowed(_)));
    }

    #[test]
    fn options_may_be_null_or_left_out() {
        let head = r#""model":"echo","messages":[{"role":"user","content":"a"}]"#;
        let plain = format!("{{{head}}}");
        let nulls = format!(r#"{{{head},"stream":null,"stream_options":null,"max_tokens":null,"n":null}}"#);
        let given = format!(
            r#"{{{head},"stream":true,"stream_options":{{"include_usage":true}},"max_tokens":5,"n":1}}"#
        );

        for body in [&plain, &nulls] {
            let request = parse(body).unwrap();
            assert_eq!((request.stream, request.include_usage(), request.tokens_max()), (false, false, None));
        }
        let request = parse(&given).unwrap();
        assert_eq!((request.stream, request.include_usage(), request.tokens_max()), (true, true, Some(5)));
    }

    #[test]
    fn bad_requests_are_refused_with_what_is_wrong() {
        let table = [
            ("{", "EOF"),
            (r#"{"messages":[]}"#, "missing field `model`"),
            (r#"{"model":"echo"}"#, "missing field `messages`"),
            (r#"{"model":"echo","messages":[]}"#, "at least one message"),
            (r#"{"model":"echo","messages":[{"role":"user","content":7}]}"#, "a text or a list of parts"),
            (r#"{"model":"echo","messages":[{"role":"user","content":"a"}],"n":2}"#, "one choice"),
        ];
        for (body, want) in table {
            let error = parse(body).unwrap_err();
            assert!(error.message.contains(want), "{body}: {}", error.message);
            assert_eq!(error.status, 400);
        }
    }
}
