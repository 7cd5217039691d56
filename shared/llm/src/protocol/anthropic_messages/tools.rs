use std::borrow::Cow;

use runmill_proto::{Function, Generation, ToolChoice, ToolMode};
use serde::Serialize;
use serde_json::{Value, json};

#[derive(Serialize)]
pub(super) struct WireTool<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    /// Schema of the parameters, which is required even if the function has none.
    input_schema: Cow<'a, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

/// The parameter `tool_choice`.
#[derive(Serialize)]
pub(super) struct ToolRule<'a> {
    #[serde(flatten)]
    choice: WireChoice<'a>,
    #[serde(rename = "disable_parallel_tool_use", skip_serializing_if = "std::ops::Not::not")]
    is_single: bool,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum WireChoice<'a> {
    Auto,
    Any,
    None,
    Tool { name: &'a str },
}

impl<'a> From<&'a Function> for WireTool<'a> {
    fn from(function: &'a Function) -> Self {
        let nothing = || Cow::Owned(json!({"type": "object", "properties": {}}));
        Self {
            name: &function.name,
            description: function.description.as_deref(),
            input_schema: function.parameters.as_ref().map_or_else(nothing, Cow::Borrowed),
            strict: function.strict,
        }
    }
}

impl<'a> ToolRule<'a> {
    pub fn of(generation: &'a Generation) -> Option<Self> {
        let is_single = generation.parallel_tool_calls == Some(false);
        let choice = match &generation.tool_choice {
            Some(choice) => WireChoice::from(choice),
            // The wish for at most one call has its place in the rule.
            None if is_single => WireChoice::Auto,
            None => return None,
        };
        // The API takes the wish only where a call is possible.
        let is_single = is_single && !matches!(choice, WireChoice::None);
        Some(Self { choice, is_single })
    }
}

impl<'a> From<&'a ToolChoice> for WireChoice<'a> {
    fn from(choice: &'a ToolChoice) -> Self {
        match choice {
            ToolChoice::Mode(ToolMode::Auto) => Self::Auto,
            ToolChoice::Mode(ToolMode::None) => Self::None,
            ToolChoice::Mode(ToolMode::Required) => Self::Any,
            ToolChoice::Function { function, .. } => Self::Tool { name: &function.name },
        }
    }
}

#[cfg(test)]
mod tests {
    use runmill_proto::NamedFunction;

    use super::*;

    #[test]
    fn a_tool_has_a_schema_even_if_it_takes_nothing() {
        let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}}});
        let function = |parameters| Function {
            name: "add".into(),
            description: Some("does it".into()),
            parameters,
            strict: Some(true),
        };
        let table = [(Some(schema.clone()), schema), (None, json!({"type": "object", "properties": {}}))];
        for (parameters, want) in table {
            assert_eq!(
                json!(WireTool::from(&function(parameters))),
                json!({"name": "add", "description": "does it", "input_schema": want, "strict": true})
            );
        }
    }

    #[test]
    fn every_choice_has_its_word() {
        let named =
            ToolChoice::Function { kind: "function".into(), function: NamedFunction { name: "add".into() } };
        let table = [
            (ToolChoice::Mode(ToolMode::Auto), json!({"type": "auto"})),
            (ToolChoice::Mode(ToolMode::None), json!({"type": "none"})),
            (ToolChoice::Mode(ToolMode::Required), json!({"type": "any"})),
            (named, json!({"type": "tool", "name": "add"})),
        ];
        for (choice, want) in table {
            let generation = Generation { tool_choice: Some(choice), ..Generation::default() };
            assert_eq!(json!(ToolRule::of(&generation)), want);
        }
    }

    #[test]
    fn one_call_at_most_is_a_part_of_the_choice() {
        let mode = |mode| Some(ToolChoice::Mode(mode));
        let table = [
            (None, None, json!(null)),
            (None, Some(true), json!(null)),
            (None, Some(false), json!({"type": "auto", "disable_parallel_tool_use": true})),
            (
                mode(ToolMode::Required),
                Some(false),
                json!({"type": "any", "disable_parallel_tool_use": true}),
            ),
            (mode(ToolMode::Required), Some(true), json!({"type": "any"})),
            (mode(ToolMode::None), Some(false), json!({"type": "none"})),
        ];
        for (tool_choice, parallel_tool_calls, want) in table {
            let generation = Generation { tool_choice, parallel_tool_calls, ..Generation::default() };
            assert_eq!(json!(ToolRule::of(&generation)), want);
        }
    }
}
