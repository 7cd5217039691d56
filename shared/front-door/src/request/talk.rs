use runmill_proto::{
    ToolCall,
    chat::{Message, Part, Role},
};

use super::node::{Fields, Node};
use crate::Refusal;

/// Maximum length of a model's name, in bytes.
const MAX_MODEL_BYTES: usize = 512;

/// A conversation in the making.
#[derive(Debug, Default)]
pub(super) struct Talk {
    system: Vec<String>,
    messages: Vec<Message>,
}

impl Talk {
    /// Adds a system or developer message. It belongs to the system prompt if no other message precedes it.
    pub fn add_system(&mut self, text: String) {
        if self.messages.is_empty() {
            self.system.push(text);
        } else {
            self.messages.push(Message::text(Role::System, text));
        }
    }

    pub fn add(&mut self, role: Role, parts: Vec<Part>) {
        self.messages.push(Message { role, parts, tool_calls: Vec::new(), tool_call_id: None });
    }

    /// Adds a message of the assistant. Clients write an empty text beside calls, which some providers refuse.
    pub fn add_assistant(&mut self, mut parts: Vec<Part>, tool_calls: Vec<ToolCall>) {
        if !tool_calls.is_empty() {
            parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
        }
        self.messages.push(Message { role: Role::Assistant, parts, tool_calls, tool_call_id: None });
    }

    /// Adds a call to the assistant's message that is the last one, or to a new one.
    pub fn add_call(&mut self, call: ToolCall) {
        match self.messages.last_mut() {
            Some(last) if last.role == Role::Assistant => last.tool_calls.push(call),
            _ => self.add_assistant(Vec::new(), vec![call]),
        }
    }

    pub fn add_result(&mut self, call_id: &str, parts: Vec<Part>) {
        let tool_call_id = Some(call_id.to_owned());
        self.messages.push(Message { role: Role::Tool, parts, tool_calls: Vec::new(), tool_call_id });
    }

    /// Returns the system prompt, its parts separated by empty lines, and the messages.
    pub fn into_parts(self) -> (Option<String>, Vec<Message>) {
        let system = (!self.system.is_empty()).then(|| self.system.join("\n\n"));
        (system, self.messages)
    }
}

/// Reads the name of the model.
pub(super) fn model(fields: &mut Fields<'_>) -> Result<String, Refusal> {
    let node = fields.require("model")?;
    let name = node.text()?;
    if name.is_empty() || name.len() > MAX_MODEL_BYTES {
        let message = format!("Invalid 'model': its length must be from 1 to {MAX_MODEL_BYTES} bytes.");
        return Err(node.fault(message));
    }
    Ok(name.to_owned())
}

/// Reads a text, or the texts of a list of parts, separated by empty lines.
pub(super) fn text_of(
    node: &Node<'_>,
    part: impl Fn(Node<'_>) -> Result<Option<Part>, Refusal>,
) -> Result<String, Refusal> {
    if node.value.is_string() {
        return node.text().map(str::to_owned);
    }
    let mut texts = Vec::new();
    for node in node.list()? {
        match part(node.clone())? {
            Some(Part::Text(text)) => texts.push(text),
            Some(Part::Image(_)) => {
                return Err(node.fault("An image has no place here: only text is supported."));
            }
            None => {}
        }
    }
    Ok(texts.join("\n\n"))
}

/// Reads a text, or a list of parts.
pub(super) fn parts_of(
    node: &Node<'_>,
    part: impl Fn(Node<'_>) -> Result<Option<Part>, Refusal>,
) -> Result<Vec<Part>, Refusal> {
    if node.value.is_string() {
        return Ok(vec![Part::Text(node.text()?.to_owned())]);
    }
    node.list()?.filter_map(|node| part(node).transpose()).collect()
}
