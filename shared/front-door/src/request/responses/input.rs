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

/// Reads `input`: a text of the user, or a list of items.
pub(super) fn read(talk: &mut Talk, input: &Node<'_>) -> Result<(), Refusal> {
    if input.value.is_string() {
        talk.add(Role::User, vec![Part::Text(input.text()?.to_owned())]);
        return Ok(());
    }
    let mut count = 0;
    for node in input.list()? {
        count += 1;
        item(talk, node)?;
    }
    if count == 0 {
        return Err(input.fault("Invalid 'input': an empty array asks nothing.").with_code("empty_array"));
    }
    Ok(())
}

fn item(talk: &mut Talk, node: Node<'_>) -> Result<(), Refusal> {
    let mut fields = node.clone().fields()?;
    let kind = fields.get("type");
    match kind.as_ref().map_or(Ok("message"), Node::text)? {
        "message" => message(talk, &mut fields)?,
        "function_call" => talk.add_call(ToolCall {
            id: fields.require("call_id")?.text()?.to_owned(),
            name: fields.require("name")?.text()?.to_owned(),
            arguments: fields.require("arguments")?.text()?.to_owned(),
        }),
        "function_call_output" => {
            let parts = parts_of(&fields.require("output")?, part)?;
            talk.add_result(fields.require("call_id")?.text()?, parts);
        }
        // Thoughts of earlier answers. No protocol has a place for those of another model.
        "reasoning" => {
            node.ignore();
            return Ok(());
        }
        _ => {
            let supported = "'message', 'function_call', 'function_call_output' and 'reasoning'";
            return Err(kind.unwrap_or(node).unsupported(supported));
        }
    }
    // The ids and states of items that an answer had are no parameters.
    for name in ["id", "status"] {
        fields.get(name);
    }
    fields.rest();
    Ok(())
}

fn message(talk: &mut Talk, fields: &mut Fields<'_>) -> Result<(), Refusal> {
    let role = fields.require("role")?;
    let content = fields.require("content")?;
    match role.text()? {
        "system" | "developer" => talk.add_system(text_of(&content, part)?),
        "user" => talk.add(Role::User, parts_of(&content, part)?),
        "assistant" => talk.add_assistant(parts_of(&content, part)?, Vec::new()),
        _ => return Err(role.unsupported("'system', 'developer', 'user' and 'assistant'")),
    }
    Ok(())
}

fn part(node: Node<'_>) -> Result<Option<Part>, Refusal> {
    let mut fields = node.fields()?;
    let kind = fields.require("type")?;
    let part = match kind.text()? {
        "input_text" | "output_text" | "text" => {
            // They belong to an answer that is sent back.
            for name in ["annotations", "logprobs"] {
                fields.get(name);
            }
            Part::Text(fields.require("text")?.text()?.to_owned())
        }
        "refusal" => Part::Text(fields.require("refusal")?.text()?.to_owned()),
        "input_image" => {
            image::detail(&mut fields)?;
            fields.refuse("file_id", "send the image as 'image_url', which may be a data URL")?;
            image::openai(&mut fields)?
        }
        _ => return Err(kind.unsupported("'input_text', 'input_image', 'output_text' and 'refusal'")),
    };
    fields.rest();
    Ok(Some(part))
}
