use runmill_proto::{
    Item, Turn, TurnRole,
    chat::{Message, Part, Role},
};

/// Returns the system prompt of an item and the messages before its question. System messages at the start of the item's
/// conversation take the place of the run's system prompt.
pub fn before(item: &Item, system: Option<&str>) -> (Option<String>, Vec<Message>) {
    let turns = &item.inputs.messages;
    let first = turns.iter().position(|turn| turn.role != TurnRole::System).unwrap_or(turns.len());
    let (own, rest) = turns.split_at(first);
    let own: Vec<_> = own.iter().map(|turn| turn.content.as_str()).collect();
    let system = if own.is_empty() { system.map(str::to_owned) } else { Some(own.join("\n\n")) };
    (system, rest.iter().map(message).collect())
}

fn message(turn: &Turn) -> Message {
    let role = match turn.role {
        TurnRole::System => Role::System,
        TurnRole::User => Role::User,
        TurnRole::Assistant => Role::Assistant,
    };
    Message::new(role, vec![Part::Text(turn.content.clone())])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(messages: &str) -> Item {
        let json =
            format!(r#"{{"id":"q","type":"freeform","inputs":{{"text":"?","messages":[{messages}]}}}}"#);
        Item::from_json(&json).unwrap()
    }

    #[test]
    fn system_messages_of_the_item_take_the_place_of_the_runs() {
        let system = r#"{"role":"system","content":"Be brief."}"#;
        let chat = r#"{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello"}"#;
        let (own, messages) = before(&item(&format!("{system},{chat}")), Some("of the run"));
        assert_eq!(own.as_deref(), Some("Be brief."));
        let roles: Vec<_> = messages.iter().map(|message| message.role).collect();
        assert_eq!(roles, [Role::User, Role::Assistant]);

        let (of_run, messages) = before(&item(&format!("{chat},{system}")), Some("of the run"));
        assert_eq!((of_run.as_deref(), messages.len()), (Some("of the run"), 3));
        assert_eq!(before(&item(""), None), (None, Vec::new()));
    }
}
