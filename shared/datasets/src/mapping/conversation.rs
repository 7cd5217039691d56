use runmill_proto::{Turn, TurnRole};

use super::ConversationFault;
use crate::{Cell, literal::structured};

/// Returns the messages of a value that is a list of chat messages, also as a text of a table. `None` for another value.
pub fn messages(cell: &Cell) -> Option<Result<Vec<Turn>, ConversationFault>> {
    match cell {
        Cell::Text(text) if text.trim_start().starts_with("[{") => of_list(&structured(text)?),
        cell => of_list(cell),
    }
}

fn of_list(cell: &Cell) -> Option<Result<Vec<Turn>, ConversationFault>> {
    let Cell::List(items) = cell else { return None };
    if !items.iter().any(|item| item.get("role").is_some()) {
        return None;
    }
    Some(items.iter().zip(1..).map(|(item, number)| turn(item, number)).collect())
}

fn turn(item: &Cell, number: usize) -> Result<Turn, ConversationFault> {
    let role = item.get("role").and_then(Cell::scalar);
    let (Some(role), Some(content)) = (role, item.get("content")) else {
        return Err(ConversationFault::NotMessage(number));
    };
    let role = match role {
        "system" | "developer" => TurnRole::System,
        "user" => TurnRole::User,
        "assistant" => TurnRole::Assistant,
        other => return Err(ConversationFault::Role { number, role: other.to_owned() }),
    };
    let content = text(content).ok_or(ConversationFault::Content(number))?;
    Ok(Turn { role, content })
}

/// Returns the text of a message's content, which may be a list of parts that are texts.
fn text(content: &Cell) -> Option<String> {
    match content {
        Cell::Text(text) => Some(text.clone()),
        Cell::List(parts) => {
            let part = |part: &Cell| match part.get("type").and_then(Cell::scalar) {
                Some("text" | "input_text") => part.get("text").and_then(Cell::scalar).map(str::to_owned),
                _ => None,
            };
            parts.iter().map(part).collect::<Option<Vec<_>>>().map(|texts| texts.join("\n"))
        }
        _ => None,
    }
}
