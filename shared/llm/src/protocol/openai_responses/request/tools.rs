use runmill_proto::{Tool, ToolChoice, ToolMode};
use serde::Serialize;
use serde_json::Value;

#[derive(Serialize)]
pub(super) struct WireTool<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    /// `None` is sent as null: the function has no parameters.
    parameters: Option<&'a Value>,
    strict: bool,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum WireChoice<'a> {
    Mode(ToolMode),
    Function {
        #[serde(rename = "type")]
        kind: &'a str,
        name: &'a str,
    },
}

impl<'a> From<&'a Tool> for WireTool<'a> {
    fn from(tool: &'a Tool) -> Self {
        let function = tool.function();
        Self {
            kind: "function",
            name: &function.name,
            description: function.description.as_deref(),
            parameters: function.parameters.as_ref(),
            strict: function.strict.unwrap_or(false),
        }
    }
}

impl<'a> From<&'a ToolChoice> for WireChoice<'a> {
    fn from(choice: &'a ToolChoice) -> Self {
        match choice {
            ToolChoice::Mode(mode) => Self::Mode(*mode),
            ToolChoice::Function { kind, function } => Self::Function { kind, name: &function.name },
        }
    }
}
