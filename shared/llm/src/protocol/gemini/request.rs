//! Writes the request's body. Where each parameter goes (`gC` is `generationConfig`):
//!
//! | parameter | on the wire |
//! | --- | --- |
//! | `system` | `systemInstruction` |
//! | call of a tool | a part `functionCall`, without its id |
//! | results of tools | parts `functionResponse` with the function's name, those of one turn in one content of the user |
//! | system message among the others | not supported: an error before a request is sent |
//! | image, inline or a `data:` URL | a part `inlineData` |
//! | image, other URL | a part `fileData`, with the media type by the URL's extension |
//! | `temperature`, `top_p`, `top_k`, `seed` | `gC.temperature`, `gC.topP`, `gC.topK`, `gC.seed` |
//! | `max_new_tokens` | `gC.maxOutputTokens`, which includes thoughts |
//! | `stop` | `gC.stopSequences` |
//! | `presence_penalty`, `frequency_penalty` | `gC.presencePenalty`, `gC.frequencyPenalty` |
//! | `repetition_penalty` | left out: the API has none |
//! | `reasoning_effort` | `gC.thinkingConfig`, see [`Thinking`](super::config::Thinking) |
//! | `response_format` | `gC.responseMimeType`, `gC.responseJsonSchema`; a schema's name, description and `strict` are left out |
//! | `tools` | `tools[0].functionDeclarations`; `strict` is left out |
//! | `tool_choice` | `toolConfig.functionCallingConfig` |
//! | `parallel_tool_calls: false` | left out if only one tool can be called; otherwise not supported: an error before a request is sent |
//! | `logprobs`, `top_logprobs` | `gC.responseLogprobs`, `gC.logprobs` |
//! | `extra_body` | its values, at the top level |
//!
//! Safety settings are not sent, so the account's apply.

mod content;

use runmill_proto::{Function, Generation, Tool, ToolChoice, ToolMode};
use serde::Serialize;
use serde_json::Value;

use self::content::{Content, contents};
use super::config::GenerationConfig;
use crate::{
    ChatRequest, ModelError,
    protocol::{Form, json},
};

/// Returns the body of a request. `model` is the name in the path.
pub(super) fn body(request: &ChatRequest, model: &str, form: Form) -> Result<Vec<u8>, ModelError> {
    let body = Body::new(request, model, form)?;
    Ok(json(&body, &request.generation.extra_body))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<Content<'a>>,
    contents: Vec<Content<'a>>,
    generation_config: GenerationConfig<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<[Tools<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfig<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tools<'a> {
    function_declarations: Vec<Declaration<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Declaration<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    /// Schema of the parameters. This field is used instead of `parameters`, which supports only a part of
    /// `OpenAPI`'s schemas.
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters_json_schema: Option<&'a Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolConfig<'a> {
    function_calling_config: CallingConfig<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CallingConfig<'a> {
    mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_function_names: Option<[&'a str; 1]>,
}

impl<'a> Body<'a> {
    fn new(request: &'a ChatRequest, model: &str, form: Form) -> Result<Self, ModelError> {
        let generation = &request.generation;
        check_single_call(generation)?;
        let declarations = || generation.tools.iter().map(Tool::function).map(Declaration::from).collect();
        Ok(Self {
            system_instruction: request.system.as_deref().map(Content::system),
            contents: contents(&request.messages, model)?,
            generation_config: GenerationConfig::new(generation, model, form),
            tools: (!generation.tools.is_empty()).then(|| [Tools { function_declarations: declarations() }]),
            tool_config: generation.tool_choice.as_ref().map(ToolConfig::from),
        })
    }
}

/// Returns an error if at most one call is wished for, and several tools can be called. Where only one can, several calls
/// in an answer are rare.
fn check_single_call(generation: &Generation) -> Result<(), ModelError> {
    let can_call_several = generation.tools.len() > 1
        && matches!(
            generation.tool_choice,
            None | Some(ToolChoice::Mode(ToolMode::Auto | ToolMode::Required))
        );
    if generation.parallel_tool_calls == Some(false) && can_call_several {
        let message =
            "this API cannot limit an answer to one tool call: remove parallel_tool_calls, or offer one tool";
        return Err(ModelError::InvalidRequest { status: 400, message: message.to_owned() });
    }
    Ok(())
}

impl<'a> From<&'a Function> for Declaration<'a> {
    fn from(function: &'a Function) -> Self {
        Self {
            name: &function.name,
            description: function.description.as_deref(),
            parameters_json_schema: function.parameters.as_ref(),
        }
    }
}

impl<'a> From<&'a ToolChoice> for ToolConfig<'a> {
    fn from(choice: &'a ToolChoice) -> Self {
        let (mode, only) = match choice {
            ToolChoice::Mode(ToolMode::Auto) => ("AUTO", None),
            ToolChoice::Mode(ToolMode::None) => ("NONE", None),
            ToolChoice::Mode(ToolMode::Required) => ("ANY", None),
            ToolChoice::Function { function, .. } => ("ANY", Some([function.name.as_str()])),
        };
        Self { function_calling_config: CallingConfig { mode, allowed_function_names: only } }
    }
}

#[cfg(test)]
mod tests {
    use crate::{ChatMessage, Part, Role};
    use runmill_proto::{Generation, Image, NamedFunction};
    use serde_json::json;

    use super::*;

    fn encoded(request: &ChatRequest) -> Value {
        serde_json::from_slice(&body(request, "m", Form::default()).unwrap()).unwrap()
    }

    fn question() -> ChatRequest {
        ChatRequest { messages: vec![ChatMessage::text(Role::User, "2+2?")], ..ChatRequest::default() }
    }

    #[test]
    fn a_question_is_sent_with_nothing_beside_it() {
        assert_eq!(
            encoded(&question()),
            json!({"contents": [{"role": "user", "parts": [{"text": "2+2?"}]}], "generationConfig": {}})
        );
    }

    #[test]
    fn a_conversation_is_sent_with_the_model_as_the_assistant() {
        let request = ChatRequest {
            system: Some("be brief".into()),
            messages: vec![
                ChatMessage::text(Role::User, "hi"),
                ChatMessage::text(Role::Assistant, "hello"),
                ChatMessage::text(Role::User, "2+2?"),
            ],
            ..ChatRequest::default()
        };
        assert_eq!(
            encoded(&request),
            json!({
                "systemInstruction": {"parts": [{"text": "be brief"}]},
                "contents": [
                    {"role": "user", "parts": [{"text": "hi"}]},
                    {"role": "model", "parts": [{"text": "hello"}]},
                    {"role": "user", "parts": [{"text": "2+2?"}]},
                ],
                "generationConfig": {},
            })
        );
    }

    #[test]
    fn images_go_as_data_or_as_files() {
        let url = |url: &str| Part::Image(Image::Url { url: url.into() });
        let inline =
            Image::Inline { mime_type: "image/png".into(), encoding: "base64".into(), data: "AAAA".into() };
        let parts = vec![
            Part::Text("what is this?".into()),
            Part::Image(inline),
            url("data:image/webp;base64,BBBB"),
            url("https://host/a.JPG?size=1.5"),
            url("https://host.png/files/1"),
        ];
        let request =
            ChatRequest { messages: vec![ChatMessage::new(Role::User, parts)], ..ChatRequest::default() };
        assert_eq!(
            encoded(&request)["contents"][0]["parts"],
            json!([
                {"text": "what is this?"},
                {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
                {"inlineData": {"mimeType": "image/webp", "data": "BBBB"}},
                {"fileData": {"fileUri": "https://host/a.JPG?size=1.5", "mimeType": "image/jpeg"}},
                {"fileData": {"fileUri": "https://host.png/files/1"}},
            ])
        );
    }

    #[test]
    fn tools_are_declared_and_chosen() {
        let tool = |name: &str, parameters| Tool::Function {
            function: Function {
                name: name.into(),
                description: Some("does it".into()),
                parameters,
                strict: Some(true),
            },
        };
        let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}}});
        let tools = vec![tool("add", Some(schema.clone())), tool("stop", None)];
        let named =
            ToolChoice::Function { kind: "function".into(), function: NamedFunction { name: "add".into() } };
        let table = [
            (None, Value::Null),
            (Some(ToolChoice::Mode(ToolMode::Auto)), json!({"mode": "AUTO"})),
            (Some(ToolChoice::Mode(ToolMode::None)), json!({"mode": "NONE"})),
            (Some(ToolChoice::Mode(ToolMode::Required)), json!({"mode": "ANY"})),
            (Some(named), json!({"mode": "ANY", "allowedFunctionNames": ["add"]})),
        ];
        for (tool_choice, want) in table {
            let generation = Generation { tools: tools.clone(), tool_choice, ..Generation::default() };
            let sent = encoded(&ChatRequest { generation, ..question() });
            assert_eq!(
                sent["tools"],
                json!([{"functionDeclarations": [
                    {"name": "add", "description": "does it", "parametersJsonSchema": schema},
                    {"name": "stop", "description": "does it"},
                ]}])
            );
            assert_eq!(sent["toolConfig"]["functionCallingConfig"], want);
        }
    }

    #[test]
    fn one_call_at_most_is_an_error_where_several_tools_can_be_called() {
        let tool = |name: &str| Tool::Function {
            function: Function { name: name.into(), description: None, parameters: None, strict: None },
        };
        let mode = |mode| Some(ToolChoice::Mode(mode));
        let table = [
            (1, None, Some(false), true),
            (2, None, Some(false), false),
            (2, mode(ToolMode::Required), Some(false), false),
            (2, mode(ToolMode::None), Some(false), true),
            (2, None, Some(true), true),
        ];
        for (tools, tool_choice, parallel_tool_calls, fits) in table {
            let tools = ["add", "sub"][..tools].iter().map(|name| tool(name)).collect();
            let generation = Generation { tools, tool_choice, parallel_tool_calls, ..Generation::default() };
            let sent = body(&ChatRequest { generation, ..question() }, "m", Form::default());
            let names_it = |error: &ModelError| error.to_string().contains("parallel_tool_calls");
            assert_eq!(sent.is_ok(), fits);
            assert!(sent.err().as_ref().is_none_or(names_it));
        }
    }
}
