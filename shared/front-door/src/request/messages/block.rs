use runmill_proto::{
    ToolCall,
    chat::{Part, Role},
};

use crate::{
    Refusal,
    request::{
        image,
        node::{Fields, Node},
        talk::{Talk, parts_of, text_of},
    },
};

pub(super) fn message(talk: &mut Talk, mut fields: Fields<'_>) -> Result<(), Refusal> {
    let role = fields.require("role")?;
    let content = fields.require("content")?;
    match role.text()? {
        "user" => user(talk, &content)?,
        "assistant" => assistant(talk, &content)?,
        "system" => talk.add_system(text_of(&content, part)?),
        _ => return Err(role.unsupported("'user' and 'assistant'")),
    }
    fields.rest();
    Ok(())
}

/// Reads a message of the user. Results of tools become messages of their own, before what the user says.
fn user(talk: &mut Talk, content: &Node<'_>) -> Result<(), Refusal> {
    if content.value.is_string() {
        talk.add(Role::User, parts_of(content, part)?);
        return Ok(());
    }
    let mut parts = Vec::new();
    let mut has_result = false;
    for node in content.list()? {
        if kind_of(&node) == Some("tool_result") {
            has_result = true;
            tool_result(talk, node.fields()?)?;
        } else {
            parts.extend(part(node)?);
        }
    }
    if !parts.is_empty() || !has_result {
        talk.add(Role::User, parts);
    }
    Ok(())
}

fn tool_result(talk: &mut Talk, mut fields: Fields<'_>) -> Result<(), Refusal> {
    fields.get("type");
    let call_id = fields.require("tool_use_id")?.text()?;
    let content = fields.get("content").map(|node| parts_of(&node, part)).transpose()?;
    if let Some(node) = fields.get("is_error")
        && node.flag()?
    {
        // No other protocol has this mark. The content says what went wrong.
        node.ignore();
    }
    fields.rest();
    talk.add_result(call_id, content.unwrap_or_else(|| vec![Part::Text(String::new())]));
    Ok(())
}

fn assistant(talk: &mut Talk, content: &Node<'_>) -> Result<(), Refusal> {
    if content.value.is_string() {
        talk.add_assistant(parts_of(content, part)?, Vec::new());
        return Ok(());
    }
    let (mut parts, mut calls) = (Vec::new(), Vec::new());
    for node in content.list()? {
        match kind_of(&node) {
            Some("tool_use") => calls.push(tool_use(node.fields()?)?),
            // Thoughts of earlier answers. No protocol has a place for those of another model.
            Some("thinking" | "redacted_thinking") => node.ignore(),
            _ => parts.extend(part(node)?),
        }
    }
    talk.add_assistant(parts, calls);
    Ok(())
}

fn tool_use(mut fields: Fields<'_>) -> Result<ToolCall, Refusal> {
    fields.get("type");
    let call = ToolCall {
        id: fields.require("id")?.text()?.to_owned(),
        name: fields.require("name")?.text()?.to_owned(),
        arguments: fields.require("input")?.value.to_string(),
    };
    fields.rest();
    Ok(call)
}

pub(super) fn part(node: Node<'_>) -> Result<Option<Part>, Refusal> {
    let mut fields = node.fields()?;
    let kind = fields.require("type")?;
    let part = match kind.text()? {
        "text" => Part::Text(fields.require("text")?.text()?.to_owned()),
        "image" => image::anthropic(&mut fields)?,
        _ => return Err(kind.unsupported("'text', 'image', 'tool_use' and 'tool_result'")),
    };
    fields.rest();
    Ok(Some(part))
}

fn kind_of<'a>(node: &Node<'a>) -> Option<&'a str> {
    node.value.get("type")?.as_str()
}
