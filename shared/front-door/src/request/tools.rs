use runmill_proto::{Function, Generation, NamedFunction, Tool, ToolChoice, ToolMode};

use super::node::{Fields, Node};
use crate::Refusal;

const ONLY_FUNCTIONS: &str = "'function'; runmill runs no tools of a provider";

/// Reads `tools` of chat completions.
pub(super) fn chat(node: &Node<'_>) -> Result<Vec<Tool>, Refusal> {
    let tool = |node: Node<'_>| {
        let mut fields = node.fields()?;
        is_function(&mut fields)?;
        let tool = function(fields.require("function")?.fields()?, "parameters")?;
        fields.rest();
        Ok(tool)
    };
    node.list()?.map(tool).collect()
}

/// Reads `tools` of responses, which have a function's fields beside its type.
pub(super) fn responses(node: &Node<'_>) -> Result<Vec<Tool>, Refusal> {
    let tool = |node: Node<'_>| {
        let mut fields = node.fields()?;
        is_function(&mut fields)?;
        function(fields, "parameters")
    };
    node.list()?.map(tool).collect()
}

/// Reads `tools` of messages.
pub(super) fn messages(node: &Node<'_>) -> Result<Vec<Tool>, Refusal> {
    let tool = |node: Node<'_>| {
        let mut fields = node.fields()?;
        if let Some(kind) = fields.get("type")
            && kind.text()? != "custom"
        {
            return Err(kind.unsupported("'custom'; runmill runs no tools of a provider"));
        }
        function(fields, "input_schema")
    };
    node.list()?.map(tool).collect()
}

fn is_function(fields: &mut Fields<'_>) -> Result<(), Refusal> {
    let kind = fields.require("type")?;
    if kind.text()? == "function" { Ok(()) } else { Err(kind.unsupported(ONLY_FUNCTIONS)) }
}

fn function(mut fields: Fields<'_>, parameters: &'static str) -> Result<Tool, Refusal> {
    let function = Function {
        name: fields.require("name")?.text()?.to_owned(),
        description: fields.text("description")?.map(str::to_owned),
        parameters: fields.get(parameters).map(|node| node.value.clone()),
        strict: fields.flag("strict")?,
    };
    fields.rest();
    Ok(Tool::Function { function })
}

/// Reads `tool_choice` of chat completions and responses. The name of a function is in a field `function`, or beside
/// the type.
pub(super) fn openai_choice(node: &Node<'_>) -> Result<ToolChoice, Refusal> {
    const MODES: &str = "'auto', 'none', 'required', and an object of the type 'function'";
    if node.value.is_string() {
        return match node.text()? {
            "auto" => Ok(ToolChoice::Mode(ToolMode::Auto)),
            "none" => Ok(ToolChoice::Mode(ToolMode::None)),
            "required" => Ok(ToolChoice::Mode(ToolMode::Required)),
            _ => Err(node.unsupported(MODES)),
        };
    }
    let mut fields = node.clone().fields()?;
    is_function(&mut fields)?;
    let name = match fields.get("function") {
        Some(function) => function.fields()?.require("name")?.text()?,
        None => fields.require("name")?.text()?,
    };
    Ok(named(name))
}

/// Reads `tool_choice` of messages, and the wish for at most one call, if there is one.
pub(super) fn anthropic_choice(node: Node<'_>) -> Result<(ToolChoice, Option<Node<'_>>), Refusal> {
    let mut fields = node.fields()?;
    let single =
        fields.get("disable_parallel_tool_use").map(|node| node.flag().map(|flag| flag.then_some(node)));
    let single = single.transpose()?.flatten();
    let kind = fields.require("type")?;
    let choice = match kind.text()? {
        "auto" => ToolChoice::Mode(ToolMode::Auto),
        "any" => ToolChoice::Mode(ToolMode::Required),
        "none" => ToolChoice::Mode(ToolMode::None),
        "tool" => named(fields.require("name")?.text()?),
        _ => return Err(kind.unsupported("'auto', 'any', 'tool' and 'none'")),
    };
    fields.rest();
    Ok((choice, single))
}

fn named(name: &str) -> ToolChoice {
    ToolChoice::Function { kind: "function".into(), function: NamedFunction { name: name.to_owned() } }
}

/// Sets the tools and the rule for their use. A rule without tools has no effect, unless it demands a call.
pub(super) fn set(
    generation: &mut Generation,
    tools: Vec<Tool>,
    choice: Option<ToolChoice>,
) -> Result<(), Refusal> {
    let demands = matches!(choice, Some(ToolChoice::Function { .. } | ToolChoice::Mode(ToolMode::Required)));
    if tools.is_empty() && demands {
        return Err(Refusal::invalid(
            "tool_choice",
            "'tool_choice' is only allowed when 'tools' are specified.",
        ));
    }
    generation.tool_choice = choice.filter(|_| !tools.is_empty());
    generation.tools = tools;
    Ok(())
}

/// Takes `parallel_tool_calls`. Without tools it has no effect, and true is the default.
pub(super) fn parallel(fields: &mut Fields<'_>, generation: &mut Generation) -> Result<(), Refusal> {
    let parallel = fields.flag("parallel_tool_calls")?;
    if parallel == Some(false) && !generation.tools.is_empty() {
        generation.parallel_tool_calls = Some(false);
    }
    Ok(())
}
