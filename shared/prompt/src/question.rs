use runmill_proto::{
    Item,
    chat::{Message, Part, Role},
};

use crate::{Prompt, PromptError, turns::before};

/// Part of an item that is sent to a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    pub system: Option<String>,
    pub messages: Vec<Message>,
}

impl Prompt {
    /// Returns the question of an item: the messages before it, and the prompt with the item's images.
    ///
    /// * `system`: system prompt of the run.
    pub fn question(&self, item: &Item, system: Option<&str>) -> Result<Question, PromptError> {
        let mut parts = vec![Part::Text(self.render(item)?)];
        parts.extend(item.inputs.images.iter().cloned().map(Part::Image));
        let (system, mut messages) = before(item, system);
        messages.push(Message::new(Role::User, parts));
        Ok(Question { system, messages })
    }
}
