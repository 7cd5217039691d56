use std::borrow::Cow;

use serde::Deserialize;

use crate::{
    behaviour::StreamMode,
    protocol::{Fault, Format, ModelRequest, Named, Text, or_default},
};

/// Fields of a request that the gateway reads, borrowed from its bytes. It skips the others.
#[derive(Debug, Deserialize)]
pub(super) struct ChatRequest<'a> {
    #[serde(borrow, default)]
    model: Cow<'a, str>,
    #[serde(borrow)]
    messages: Vec<Message<'a>>,
    #[serde(default, deserialize_with = "or_default")]
    stream: bool,
    #[serde(default)]
    stream_options: Option<StreamOptions>,
    #[serde(default)]
    max_tokens: Option<usize>,
    #[serde(default)]
    max_completion_tokens: Option<usize>,
    #[serde(default)]
    n: Option<u32>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    tools: Vec<Tool<'a>>,
    #[serde(borrow, default)]
    response_format: Option<Format<'a>>,
    #[serde(default, deserialize_with = "or_default")]
    logprobs: bool,
    #[serde(default, deserialize_with = "or_default")]
    top_logprobs: usize,
}

#[derive(Debug, Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow, default)]
    content: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
struct StreamOptions {
    #[serde(default, deserialize_with = "or_default")]
    include_usage: bool,
}

#[derive(Debug, Deserialize)]
struct Tool<'a> {
    #[serde(borrow, default)]
    function: Option<Named<'a>>,
}

impl<'a> ChatRequest<'a> {
    /// Converts the request. A deployment in the path replaces the model in the body.
    pub fn into_model_request(self, deployment: Option<&'a str>) -> Result<ModelRequest<'a>, Fault> {
        let model = deployment.map_or(self.model, Cow::Borrowed);
        if model.is_empty() {
            return Err(Fault::Invalid { message: "there must be a model", param: "model" });
        }
        if self.n.is_some_and(|n| n != 1) {
            return Err(Fault::Invalid { message: "this server makes one choice a request", param: "n" });
        }
        if self.messages.is_empty() {
            let message = "there must be at least one message";
            return Err(Fault::Invalid { message, param: "messages" });
        }
        let mut request = ModelRequest {
            model,
            stream_mode: StreamMode { stream: self.stream, stream_options: self.stream_options.is_some() },
            include_usage: self.stream_options.unwrap_or_default().include_usage,
            tokens_max: self.max_completion_tokens.or(self.max_tokens),
            tool: self.tools.into_iter().find_map(|tool| tool.function).map(|function| function.name),
            json: self.response_format.is_some_and(|format| format.is_json()),
            top_logprobs: self.logprobs.then_some(self.top_logprobs),
            ..ModelRequest::default()
        };
        for Message { role, content } in self.messages {
            request.add_message(content, role == "user");
        }
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<ModelRequest<'_>, Fault> {
        serde_json::from_str::<ChatRequest<'_>>(body)?.into_model_request(None)
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
            let request = read(&body).unwrap();
            assert_eq!((&*request.prompt, request.prompt_tokens), (prompt, prompt_tokens), "{messages}");
        }
    }

    #[test]
    fn a_request_without_escapes_is_not_copied() {
        let request = read(r#"{"model":"echo","messages":[{"role":"user","content":"a"}]}"#).unwrap();

        assert!(matches!((request.model, request.prompt), (Cow::Borrowed(_), Cow::Borrowed(_))));
    }

    #[test]
    fn options_may_be_null_or_left_out() {
        let head = r#""model":"echo","messages":[{"role":"user","content":"a"}]"#;
        let plain = format!("{{{head}}}");
        let nulls = format!(
            r#"{{{head},"stream":null,"stream_options":null,"max_tokens":null,"n":null,"tools":null,"response_format":null}}"#
        );
        let given = format!(
            r#"{{{head},"stream":true,"stream_options":{{"include_usage":true}},"max_tokens":5,"n":1}}"#
        );

        for body in [&plain, &nulls] {
            let request = read(body).unwrap();
            assert_eq!((request.stream_mode, request.include_usage), (StreamMode::default(), false));
            assert_eq!((request.tokens_max, request.tool, request.json), (None, None, false));
        }
        let request = read(&given).unwrap();
        assert_eq!(request.stream_mode, StreamMode { stream: true, stream_options: true });
        assert_eq!((request.include_usage, request.tokens_max), (true, Some(5)));
    }

    #[test]
    fn tools_and_json_are_seen() {
        let head = r#"{"model":"echo","messages":[{"role":"user","content":"a"}]"#;
        let table = [
            (r#""tools":[{"type":"custom"},{"type":"function","function":{"name":"f"}}]"#, Some("f"), false),
            (r#""tools":[]"#, None, false),
            (r#""response_format":{"type":"json_object"}"#, None, true),
            (r#""response_format":{"type":"json_schema","json_schema":{"name":"x"}}"#, None, true),
            (r#""response_format":{"type":"text"}"#, None, false),
        ];
        for (rest, tool, json) in table {
            let body = format!("{head},{rest}}}");
            let request = read(&body).unwrap();
            assert_eq!((request.tool.as_deref(), request.json), (tool, json), "{rest}");
        }
    }

    #[test]
    fn a_deployment_is_the_model() {
        for body in [r#"{"messages":[{"role":"user"}]}"#, r#"{"model":"x","messages":[{"role":"user"}]}"#] {
            let request: ChatRequest<'_> = serde_json::from_str(body).unwrap();
            assert_eq!(request.into_model_request(Some("lorem")).unwrap().model, "lorem");
        }
    }

    #[test]
    fn bad_requests_are_refused_with_what_is_wrong() {
        let table = [
            ("{", "EOF"),
            (r#"{"messages":[{"role":"user"}]}"#, "there must be a model"),
            (r#"{"model":"echo"}"#, "missing field `messages`"),
            (r#"{"model":"echo","messages":[]}"#, "at least one message"),
            (r#"{"model":"echo","messages":[{"role":"user","content":7}]}"#, "a text or a list of parts"),
            (r#"{"model":"echo","messages":[{"role":"user","content":"a"}],"n":2}"#, "one choice"),
        ];
        for (body, want) in table {
            let fault = read(body).unwrap_err();
            assert!(fault.to_string().contains(want), "{body}: {fault}");
            assert_eq!(fault.status(), 400);
        }
    }
}
