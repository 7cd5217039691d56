use runmill_proto::{JsonSchema, ResponseFormat};

use super::node::Node;
use crate::Refusal;

/// Name of a schema whose protocol gives none.
const NAME: &str = "answer";

/// Reads `response_format` of chat completions. Text is the default, so it is not kept.
pub(super) fn chat(node: Node<'_>) -> Result<Option<ResponseFormat>, Refusal> {
    read(node, |fields| fields.require("json_schema"))
}

/// Reads `text.format` of responses, which has the fields of the schema beside its type.
pub(super) fn responses(node: Node<'_>) -> Result<Option<ResponseFormat>, Refusal> {
    let schema = node.clone();
    read(node, |_| Ok(schema.clone()))
}

/// Reads `output_config.format` of messages.
pub(super) fn messages(node: Node<'_>) -> Result<ResponseFormat, Refusal> {
    let mut fields = node.fields()?;
    let kind = fields.require("type")?;
    if kind.text()? != "json_schema" {
        return Err(kind.unsupported("'json_schema'"));
    }
    let schema = fields.require("schema")?.value.clone();
    fields.rest();
    // Anthropic always holds the model to the schema.
    let json_schema = JsonSchema { name: NAME.into(), description: None, schema, strict: Some(true) };
    Ok(ResponseFormat::JsonSchema { json_schema })
}

fn read<'a>(
    node: Node<'a>,
    schema: impl Fn(&mut super::node::Fields<'a>) -> Result<Node<'a>, Refusal>,
) -> Result<Option<ResponseFormat>, Refusal> {
    let mut fields = node.fields()?;
    let kind = fields.require("type")?;
    match kind.text()? {
        "text" => Ok(None),
        "json_object" => Ok(Some(ResponseFormat::JsonObject)),
        "json_schema" => {
            let mut fields = schema(&mut fields)?.fields()?;
            let json_schema = JsonSchema {
                name: fields.require("name")?.text()?.to_owned(),
                description: fields.text("description")?.map(str::to_owned),
                schema: fields.require("schema")?.value.clone(),
                strict: fields.flag("strict")?,
            };
            Ok(Some(ResponseFormat::JsonSchema { json_schema }))
        }
        _ => Err(kind.unsupported("'text', 'json_object' and 'json_schema'")),
    }
}
