use std::borrow::Cow;

use serde::Deserialize;

use crate::{
    behaviour::StreamMode,
    protocol::{Fault, ModelRequest, Named, Text, or_default},
};

/// Fields of a request that the gateway reads. It skips the others. As in all of Google's JSON, names may be in camel
/// case or snake case.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GenerateRequest<'a> {
    #[serde(borrow)]
    contents: Vec<Content<'a>>,
    #[serde(borrow, default, alias = "system_instruction")]
    system_instruction: Option<Content<'a>>,
    #[serde(borrow, default, alias = "generation_config")]
    generation_config: Option<Generation<'a>>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    tools: Vec<Tool<'a>>,
}

/// A message. A message without a role is the user's.
#[derive(Debug, Deserialize)]
struct Content<'a> {
    #[serde(borrow, default)]
    role: Option<Text<'a>>,
    #[serde(borrow, default)]
    parts: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Generation<'a> {
    #[serde(default, alias = "max_output_tokens")]
    max_output_tokens: Option<usize>,
    #[serde(borrow, default, alias = "response_mime_type")]
    response_mime_type: Text<'a>,
    #[serde(default, alias = "candidate_count")]
    candidate_count: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tool<'a> {
    #[serde(borrow, default, alias = "function_declarations", deserialize_with = "or_default")]
    function_declarations: Vec<Named<'a>>,
}

impl<'a> GenerateRequest<'a> {
    pub fn into_model_request(self, model: &'a str, stream: bool) -> Result<ModelRequest<'a>, Fault> {
        if self.contents.is_empty() {
            return Err(Fault::Invalid { message: "contents must not be empty", param: "contents" });
        }
        let generation = self.generation_config.unwrap_or_default();
        if generation.candidate_count.is_some_and(|count| count != 1) {
            let message = "this server makes one candidate a request";
            return Err(Fault::Invalid { message, param: "candidateCount" });
        }
        let mut functions = self.tools.into_iter().flat_map(|tool| tool.function_declarations);
        let mut request = ModelRequest {
            model: Cow::Borrowed(model),
            stream_mode: StreamMode { stream, stream_options: false },
            include_usage: true,
            tokens_max: generation.max_output_tokens,
            tool: functions.next().map(|function| function.name),
            json: generation.response_mime_type.0 == "application/json",
            ..ModelRequest::default()
        };
        if let Some(system) = self.system_instruction {
            request.add_message(system.parts, false);
        }
        for Content { role, parts } in self.contents {
            request.add_message(parts, role.is_none_or(|role| role.0 == "user"));
        }
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<ModelRequest<'_>, Fault> {
        serde_json::from_str::<GenerateRequest<'_>>(body)?.into_model_request("echo", true)
    }

    #[test]
    fn the_prompt_is_the_users_last_message() {
        let table = [
            (r#""contents":[{"parts":[{"text":"a b"}]}]"#, "a b", 2),
            (
                r#""systemInstruction":{"parts":[{"text":"be brief"}]},"contents":[{"role":"user","parts":[{"text":"a"}]}]"#,
                "a",
                3,
            ),
            (
                r#""contents":[{"role":"user","parts":[{"inlineData":{}},{"text":"a "},{"text":"b"}]},{"role":"model","parts":[{"text":"c"}]}]"#,
                "a b",
                3,
            ),
            (
                r#""contents":[{"role":"user","parts":[{"text":"a"}]},{"role":"user","parts":[{"functionResponse":{}}]}]"#,
                "",
                1,
            ),
        ];
        for (contents, prompt, prompt_tokens) in table {
            let body = format!("{{{contents}}}");
            let request = read(&body).unwrap();
            assert_eq!((&*request.prompt, request.prompt_tokens), (prompt, prompt_tokens), "{contents}");
        }
    }

    #[test]
    fn options_are_read_in_either_case() {
        let bodies = [
            r#"{"contents":[{"parts":[]}],"generationConfig":{"maxOutputTokens":5,"responseMimeType":"application/json","candidateCount":1},
                "tools":[{"googleSearch":{}},{"functionDeclarations":[{"name":"f"}]}]}"#,
            r#"{"contents":[{"parts":[]}],"generation_config":{"max_output_tokens":5,"response_mime_type":"application/json"},
                "tools":[{"function_declarations":[{"name":"f"}]}]}"#,
        ];
        for body in bodies {
            let request = read(body).unwrap();
            assert_eq!(
                (request.tokens_max, request.tool.as_deref(), request.json),
                (Some(5), Some("f"), true)
            );
            assert!(request.stream_mode.stream);
        }
    }

    #[test]
    fn bad_requests_are_refused_with_what_is_wrong() {
        let table = [
            ("{}", "missing field `contents`"),
            (r#"{"contents":[]}"#, "contents must not be empty"),
            (r#"{"contents":[{"parts":[]}],"generationConfig":{"candidateCount":2}}"#, "one candidate"),
        ];
        for (body, want) in table {
            let fault = read(body).unwrap_err().to_string();
            assert!(fault.contains(want), "{body}: {fault}");
        }
    }
}
