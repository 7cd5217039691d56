use std::borrow::Cow;

use serde::Deserialize;

use crate::{
    behaviour::StreamMode,
    protocol::{Fault, Format, ModelRequest, Named, Text, or_default},
};

/// Fields of a request that the gateway reads. It skips the others.
#[derive(Debug, Deserialize)]
pub(super) struct MessagesRequest<'a> {
    #[serde(borrow)]
    model: Cow<'a, str>,
    /// Token limit, which only this protocol requires.
    max_tokens: usize,
    #[serde(borrow)]
    messages: Vec<Turn<'a>>,
    #[serde(borrow, default)]
    system: Text<'a>,
    #[serde(default, deserialize_with = "or_default")]
    stream: bool,
    #[serde(borrow, default, deserialize_with = "or_default")]
    tools: Vec<Named<'a>>,
    #[serde(borrow, default)]
    output_config: Option<OutputConfig<'a>>,
}

#[derive(Debug, Deserialize)]
struct Turn<'a> {
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow)]
    content: Text<'a>,
}

#[derive(Debug, Deserialize)]
struct OutputConfig<'a> {
    #[serde(borrow, default)]
    format: Option<Format<'a>>,
}

impl<'a> MessagesRequest<'a> {
    pub fn into_model_request(self) -> Result<ModelRequest<'a>, Fault> {
        if self.messages.is_empty() {
            let message = "messages: at least one message is required";
            return Err(Fault::Invalid { message, param: "messages" });
        }
        let format = self.output_config.and_then(|config| config.format);
        let mut request = ModelRequest {
            model: self.model,
            stream_mode: StreamMode { stream: self.stream, stream_options: false },
            include_usage: true,
            tokens_max: Some(self.max_tokens),
            tool: self.tools.into_iter().next().map(|tool| tool.name),
            json: format.is_some_and(|format| format.is_json()),
            ..ModelRequest::default()
        };
        request.add_message(self.system, false);
        for Turn { role, content } in self.messages {
            request.add_message(content, role == "user");
        }
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<ModelRequest<'_>, Fault> {
        serde_json::from_str::<MessagesRequest<'_>>(body)?.into_model_request()
    }

    #[test]
    fn the_prompt_is_the_users_last_message() {
        let table = [
            (r#""messages":[{"role":"user","content":"a b"}]"#, "a b", 2),
            (r#""system":"be brief","messages":[{"role":"user","content":"a\nb"}]"#, "a\nb", 4),
            (
                r#""system":[{"type":"text","text":"s"}],"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},
                    {"role":"user","content":[{"type":"image","source":{}},{"type":"text","text":"c d"}]},{"role":"assistant","content":"{"}]"#,
                "c d",
                6,
            ),
            (
                r#""messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":"7"}]}]"#,
                "",
                0,
            ),
        ];
        for (messages, prompt, prompt_tokens) in table {
            let body = format!(r#"{{"model":"echo","max_tokens":9,{messages}}}"#);
            let request = read(&body).unwrap();
            assert_eq!((&*request.prompt, request.prompt_tokens), (prompt, prompt_tokens), "{messages}");
        }
    }

    #[test]
    fn options_are_read() {
        let request = read(
            r#"{"model":"echo","max_tokens":5,"stream":true,"messages":[{"role":"user","content":"a"}],
                "tools":[{"name":"f","input_schema":{}}],"output_config":{"format":{"type":"json_schema","schema":{}}}}"#,
        )
        .unwrap();

        assert_eq!(request.stream_mode, StreamMode { stream: true, stream_options: false });
        assert_eq!((request.tokens_max, request.tool.as_deref(), request.json), (Some(5), Some("f"), true));
    }

    #[test]
    fn bad_requests_are_refused_with_what_is_wrong() {
        let table = [
            (r#"{"model":"echo","messages":[]}"#, "missing field `max_tokens`"),
            (r#"{"model":"echo","max_tokens":9,"messages":[]}"#, "at least one message"),
            (r#"{"model":"echo","max_tokens":9,"messages":[{"role":"user"}]}"#, "missing field `content`"),
        ];
        for (body, want) in table {
            let fault = read(body).unwrap_err().to_string();
            assert!(fault.contains(want), "{body}: {fault}");
        }
    }
}
