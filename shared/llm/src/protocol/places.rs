use serde_json::value::RawValue;

use crate::{ChatMessage, ModelError, Part, Role};
use runmill_proto::ToolCall;

/// Places that a protocol has in its conversations, beside those that every protocol has.
pub(super) struct Places {
    /// Name of the protocol, as users write it in a provider's settings.
    pub protocol: &'static str,
    /// System messages after the first message of another role.
    pub late_system: bool,
    /// Images in results of tools.
    pub tool_images: bool,
}

impl Places {
    /// Returns an error for the first part of a conversation that the protocol cannot express.
    pub fn check(&self, messages: &[ChatMessage]) -> Result<(), ModelError> {
        for message in messages {
            if message.role == Role::System && !self.late_system {
                return Err(
                    self.lacking("a message of the role system after one of another role; put it first")
                );
            }
            let takes_images = message.role == Role::User || (message.role == Role::Tool && self.tool_images);
            if !takes_images && message.parts.iter().any(|part| matches!(part, Part::Image(_))) {
                let role = name(message.role);
                return Err(self.lacking(format_args!("an image in a message of the role {role}")));
            }
        }
        Ok(())
    }

    /// Returns the arguments of a tool call, for a protocol that sends them as an object.
    pub fn arguments<'a>(&self, call: &'a ToolCall) -> Result<&'a RawValue, ModelError> {
        let text = Some(call.arguments.trim()).filter(|text| !text.is_empty()).unwrap_or("{}");
        let value = serde_json::from_str::<&RawValue>(text).ok();
        value.filter(|value| value.get().starts_with('{')).ok_or_else(|| {
            let name = &call.name;
            self.lacking(format_args!(
                "a message of the role assistant that calls `{name}` with arguments that are no JSON object"
            ))
        })
    }

    /// Returns the error for a conversation with something that has no place.
    pub fn lacking(&self, what: impl std::fmt::Display) -> ModelError {
        let message = format!("the protocol {} has no place for {what}", self.protocol);
        ModelError::Inexpressible { message }
    }
}

/// Returns false for a message that only calls tools.
pub(super) fn has_content(message: &ChatMessage) -> bool {
    let is_empty = |part: &Part| matches!(part, Part::Text(text) if text.is_empty());
    message.tool_calls.is_empty() || !message.parts.iter().all(is_empty)
}

/// Returns the name of a role in OpenAI's protocols.
pub(super) const fn name(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    }
}

#[cfg(test)]
mod tests {
    use runmill_proto::Image;

    use super::*;

    const NARROW: Places = Places { protocol: "narrow", late_system: false, tool_images: false };
    const WIDE: Places = Places { protocol: "wide", late_system: true, tool_images: true };

    #[test]
    fn what_has_no_place_is_named_with_its_role_and_the_protocol() {
        let image =
            |role| ChatMessage::new(role, vec![Part::Image(Image::Url { url: "https://h/a".into() })]);
        let late = ChatMessage::text(Role::System, "be brief");
        let table = [
            (image(Role::User), None, None),
            (late, Some("narrow has no place for a message of the role system"), None),
            (image(Role::Tool), Some("narrow has no place for an image in a message of the role tool"), None),
            (
                image(Role::Assistant),
                Some("narrow has no place for an image in a message of the role assistant"),
                Some("wide has no place for an image in a message of the role assistant"),
            ),
        ];
        for (message, narrow, wide) in table {
            let messages = [ChatMessage::text(Role::User, "hi"), message];
            for (places, want) in [(NARROW, narrow), (WIDE, wide)] {
                let error = places.check(&messages).err().map(|error| error.to_string());
                assert_eq!(error.is_some(), want.is_some(), "{error:?}");
                assert!(error.unwrap_or_default().contains(want.unwrap_or_default()), "{messages:?}");
            }
        }
    }

    #[test]
    fn arguments_are_an_object_or_an_error() {
        let table = [("", Some("{}")), (" {\"a\": 1} ", Some("{\"a\": 1}")), ("[1]", None), ("{", None)];
        for (arguments, want) in table {
            let call = ToolCall { id: "1".into(), name: "add".into(), arguments: arguments.into() };
            assert_eq!(NARROW.arguments(&call).ok().map(RawValue::get), want, "{arguments}");
        }
    }
}
