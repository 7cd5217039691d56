//! Prompts: the text that a model is asked for an item, from the run's template or the default one.

mod bounds;
mod judge;
mod printing;
mod quote;
mod template;
mod variation;

use minijinja::{context, value::Serde};
use runmill_proto::{Item, ItemType, ONE_LETTER_LABELS, choice_label};

pub use judge::{Case, JudgePrompt, JudgeRequest, check_judge, verdict_schema};
pub use variation::varied;

use crate::template::Template;

/// Size of the stack of the threads that render templates, in bytes: enough for any value that a template can build with its
/// fuel.
pub const STACK_BYTES: usize = 32 << 20;

/// A compiled prompt template.
///
/// A template is Jinja, with `text`, `choices`, `id` and `meta` of the item as variables. An unknown name is an
/// error. Without a template, the prompt is the text, followed by the labelled choices of a multiple-choice item.
pub struct Prompt(Option<Template>);

/// Error for a template that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    #[error("has {0} bytes, and a template may have {max}", max = bounds::BYTES_MAX)]
    TooLong(usize),
    /// Line of a tag that is too long.
    #[error(
        "line {0}: more than {max} names, values and signs between one pair of braces; divide it with {{% set %}}",
        max = bounds::PARTS_MAX
    )]
    TooManyParts(u32),
    #[error("more than {max} `elif`; look the value up in a map instead", max = bounds::ELIFS_MAX)]
    TooManyElifs,
    /// Message of the template engine about a template that does not compile, with the line.
    #[error("{0}")]
    Compile(String),
    #[error("`{name}` is no variable; a template can use {known}, as in {{{{ {first} }}}}", known = listed(.known), first = .known[0])]
    Unknown { name: String, known: &'static [&'static str] },
    /// Name in single braces, in a template that uses no part of the item.
    #[error("`{{{0}}}` would be sent as it is; write {{{{ text }}}} where the question goes")]
    OneBrace(String),
    #[error(
        "uses no part of the item, so every prompt would be the same; write {{{{ text }}}} where the question goes"
    )]
    NoItem,
    #[error(
        "shows no answer to judge; write {{{{ response }}}} where it goes, or {{{{ first }}}} and {{{{ second }}}}"
    )]
    NoResponse,
    #[error("the item has no `answer`, with which a pairwise judge compares the model's")]
    NoReference,
    /// Message of the template engine about a template that cannot be rendered for an item.
    #[error("the prompt template: {0}")]
    Render(String),
}

fn listed(names: &[&str]) -> String {
    names.split_last().map_or_else(String::new, |(last, others)| format!("{} and {last}", others.join(", ")))
}

/// Names that a template can use.
const VARIABLES: [&str; 4] = ["text", "choices", "id", "meta"];

/// Checks a template before the run: that it compiles, knows all names that it uses, and uses a part of the item.
pub fn check(template: &str) -> Result<(), PromptError> {
    let compiled = Template::compile(template)?;
    if let Some(unknown) = compiled.unknown(&VARIABLES) {
        return Err(unknown);
    }
    if compiled.uses(&VARIABLES) {
        return Ok(());
    }
    Err(in_braces(template).map_or(PromptError::NoItem, |name| PromptError::OneBrace(name.to_owned())))
}

/// Returns the first name in single braces, as Python's `str.format` writes it.
fn in_braces(template: &str) -> Option<&str> {
    let names =
        template.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name.trim());
    names.into_iter().find(|name| {
        name.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_alphanumeric() || c == '_')
    })
}

impl Prompt {
    pub fn compile(template: Option<&str>) -> Result<Self, PromptError> {
        template.map(Template::compile).transpose().map(Self)
    }

    /// Returns the prompt for `item`.
    pub fn render(&self, item: &Item) -> Result<String, PromptError> {
        let Some(template) = &self.0 else { return Ok(default_prompt(item)) };
        template.render(context! {
            text => &item.inputs.text,
            choices => &item.choices,
            id => &item.id,
            meta => Serde(&item.meta),
        })
    }
}

fn default_prompt(item: &Item) -> String {
    let text = &item.inputs.text;
    let label = if item.choices.len() > ONE_LETTER_LABELS { "label" } else { "letter" };
    let ask = match item.item_type {
        ItemType::McqSingle => format!("Answer with the {label} of the right choice."),
        ItemType::McqMulti => format!("Answer with the {label}s of all right choices, separated by commas."),
        ItemType::Freeform | ItemType::Code | ItemType::JudgePairwise => return text.clone(),
    };
    let choices = item.choices.iter().enumerate();
    let lines: Vec<_> = choices.map(|(n, choice)| format!("{}. {choice}", choice_label(n))).collect();
    format!("{text}\n\n{}\n\n{ask}", lines.join("\n"))
}

#[cfg(test)]
mod tests;
