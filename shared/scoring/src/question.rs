use std::borrow::Cow;

use runmill_proto::{Answer, Item, ItemType};

/// The part of an item that a scorer sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Question<'a> {
    /// Right answers.
    pub references: &'a [String],
    /// True if any of the references is right, and false if they are right together, where that has a meaning.
    pub alternatives: bool,
    /// Texts of the choices, empty for an open question.
    pub choices: &'a [String],
    /// True if any number of choices may be right.
    pub several: bool,
    /// True if the answer is a program.
    pub is_code: bool,
}

/// Returns the references of an item: those of its `answers` stand beside its `answer`.
pub fn references(item: &Item) -> Cow<'_, [String]> {
    let own = match &item.answer {
        Some(Answer::One(one)) => std::slice::from_ref(one),
        Some(Answer::Many(many)) => many.as_slice(),
        None => &[],
    };
    if item.answers.is_empty() { Cow::Borrowed(own) } else { Cow::Owned([own, &item.answers].concat()) }
}

impl<'a> Question<'a> {
    /// Returns the question of an item with its references.
    pub fn of(item: &'a Item, references: &'a [String]) -> Self {
        let alternatives = !item.answers.is_empty();
        let several = item.item_type == ItemType::McqMulti || !alternatives && references.len() > 1;
        let is_code = item.item_type == ItemType::Code;
        Self { references, alternatives, choices: &item.choices, several, is_code }
    }
}
