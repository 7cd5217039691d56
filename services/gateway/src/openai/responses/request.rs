use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, de};

use crate::{
    behaviour::StreamMode,
    protocol::{Fault, Format, ModelRequest, Text, or_default},
};

/// Fields of a request that the gateway reads. It skips the others.
#[derive(Debug, Deserialize)]
pub(super) struct ResponsesRequest<'a> {
    #[serde(borrow)]
    model: Cow<'a, str>,
    #[serde(borrow)]
    input: Input<'a>,
    #[serde(borrow, default)]
    instructions: Text<'a>,
    #[serde(default, deserialize_with = "or_default")]
    stream: bool,
    #[serde(default)]
    stream_options: Option<de::IgnoredAny>,
    #[serde(default)]
    max_output_tokens: Option<usize>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    tools: Vec<Tool<'a>>,
    #[serde(borrow, default)]
    text: Option<TextConfig<'a>>,
}

/// Input: a text of the user, or a list of items.
#[derive(Debug)]
struct Input<'a>(Vec<Item<'a>>);

/// A message, or an item of another type, which has no role.
#[derive(Debug, Deserialize)]
struct Item<'a> {
    #[serde(borrow, default)]
    role: Cow<'a, str>,
    #[serde(borrow, default)]
    content: Text<'a>,
}

#[derive(Debug, Deserialize)]
struct Tool<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    name: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
struct TextConfig<'a> {
    #[serde(borrow, default)]
    format: Option<Format<'a>>,
}

impl<'a> ResponsesRequest<'a> {
    pub fn into_model_request(self) -> Result<ModelRequest<'a>, Fault> {
        if self.input.0.is_empty() {
            return Err(Fault::Invalid { message: "the input must not be empty", param: "input" });
        }
        let function = self.tools.into_iter().find(|tool| tool.kind == "function");
        let mut request = ModelRequest {
            model: self.model,
            stream_mode: StreamMode { stream: self.stream, stream_options: self.stream_options.is_some() },
            include_usage: true,
            tokens_max: self.max_output_tokens,
            tool: function.map(|function| function.name),
            json: self.text.and_then(|text| text.format).is_some_and(|format| format.is_json()),
            ..ModelRequest::default()
        };
        request.add_message(self.instructions, false);
        for Item { role, content } in self.input.0 {
            request.add_message(content, role == "user");
        }
        Ok(request)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Input<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(InputVisitor).map(Self)
    }
}

struct InputVisitor;

impl<'de> de::Visitor<'de> for InputVisitor {
    type Value = Vec<Item<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a list of items")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(vec![Item { role: "user".into(), content: Text(text.into()) }])
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(vec![Item { role: "user".into(), content: Text(text.to_owned().into()) }])
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element()? {
            all.push(item);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<ModelRequest<'_>, Fault> {
        serde_json::from_str::<ResponsesRequest<'_>>(body)?.into_model_request()
    }

    #[test]
    fn the_prompt_is_the_users_last_message() {
        let table = [
            (r#""input":"a b""#, "a b", 2),
            (r#""input":"a\nb","instructions":"be brief""#, "a\nb", 4),
            (
                r#""input":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"output_text","text":"b"}]},
                    {"type":"message","role":"user","content":[{"type":"input_text","text":"c d"},{"type":"input_image","image_url":"x"}]},
                    {"type":"function_call","call_id":"1","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"1","output":"7"}]"#,
                "c d",
                4,
            ),
        ];
        for (input, prompt, prompt_tokens) in table {
            let body = format!(r#"{{"model":"echo",{input}}}"#);
            let request = read(&body).unwrap();
            assert_eq!((&*request.prompt, request.prompt_tokens), (prompt, prompt_tokens), "{input}");
        }
    }

    #[test]
    fn options_are_read() {
        let request = read(
            r#"{"model":"echo","input":"a","stream":true,"stream_options":{"include_obfuscation":false},"max_output_tokens":5,
                "tools":[{"type":"web_search"},{"type":"function","name":"f"}],"text":{"format":{"type":"json_schema"}}}"#,
        )
        .unwrap();

        assert_eq!(request.stream_mode, StreamMode { stream: true, stream_options: true });
        assert_eq!((request.tokens_max, request.tool.as_deref(), request.json), (Some(5), Some("f"), true));
        let plain = read(r#"{"model":"echo","input":"a","stream":null,"tools":null,"text":{}}"#).unwrap();
        assert_eq!((plain.stream_mode, plain.tool, plain.json), (StreamMode::default(), None, false));
    }

    #[test]
    fn bad_requests_are_refused_with_what_is_wrong() {
        let table = [
            (r#"{"input":"a"}"#, "missing field `model`"),
            (r#"{"model":"echo"}"#, "missing field `input`"),
            (r#"{"model":"echo","input":[]}"#, "must not be empty"),
            (r#"{"model":"echo","input":7}"#, "a text or a list of items"),
        ];
        for (body, want) in table {
            let fault = read(body).unwrap_err().to_string();
            assert!(fault.contains(want), "{body}: {fault}");
        }
    }
}
