//! Prompts: the text that a model is asked for an item, from the run's template or the default one.

mod bounds;
mod judge;
mod printing;
mod question;
mod quote;
mod template;
mod turns;
mod variation;

use minijinja::{Value, context, value::Serde};
use runmill_proto::{Item, ItemType, ONE_LETTER_LABELS, choice_label};
use serde_json::Value as Json;

pub use judge::{Case, JudgePrompt, JudgeRequest, check_judge, verdict_schema};
pub use question::Question;
pub use turns::before;
pub use variation::varied;

use crate::template::Template;

/// Size of the stack of the threads that render templates, in bytes: enough for any value that a template can build with its
/// fuel.
pub const STACK_BYTES: usize = 32 << 20;

/// A compiled prompt template.
///
/// A template is Jinja, with `text`, `choices`, `id` and `meta` of the item as variables, and each field of `meta` by its own
/// name. An unknown name is an error. Without a template, the prompt is the text, followed by the labelled choices of a multiple-choice item.
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
    #[error("`{name}` is no variable; a template can use {known}, as in {{{{ {example} }}}}")]
    Unknown { name: String, known: String, example: &'static str },
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

fn and_fields(fields: &[String]) -> String {
    if fields.is_empty() { String::new() } else { format!(", and the item's fields {}", fields.join(", ")) }
}

/// Checks a template before the run: that it compiles, knows all names that it uses, and uses a part of the item.
///
/// * `first`: first item of the dataset, if it is known. Its fields may be used, and the template is tried with it.
pub fn check(template: &str, first: Option<&Item>) -> Result<(), PromptError> {
    let prompt = Prompt::compile(Some(template))?;
    let fields: Vec<String> =
        first.map(fields).unwrap_or_default().iter().map(|&name| name.clone()).collect();
    let used = prompt.names();
    let is_known = |name: &String| VARIABLES.contains(&&**name) || fields.contains(name);
    // In the order of names, so that the same template has the same error.
    if let Some(unknown) = used.iter().filter(|name| !is_known(name)).min() {
        let known = format!("{}{}", listed(&VARIABLES), and_fields(&fields));
        return Err(PromptError::Unknown { name: unknown.clone(), known, example: VARIABLES[0] });
    }
    if used.is_empty() {
        return Err(
            in_braces(template).map_or(PromptError::NoItem, |name| PromptError::OneBrace(name.to_owned()))
        );
    }
    first.map_or(Ok(()), |item| prompt.render(item).map(drop))
}

/// Returns the names that a template takes from the item.
pub fn names(template: &str) -> Result<Vec<String>, PromptError> {
    Ok(Prompt::compile(Some(template))?.names())
}

/// Returns the names of the fields of an item's `meta`, except those that mean a part of the item.
fn fields(item: &Item) -> Vec<&String> {
    let meta = item.meta.as_ref().and_then(Json::as_object);
    meta.into_iter().flat_map(serde_json::Map::keys).filter(|name| !VARIABLES.contains(&&***name)).collect()
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

    /// Returns the names that the template takes from the item.
    fn names(&self) -> Vec<String> {
        self.0.as_ref().map(Template::names).unwrap_or_default()
    }

    /// Returns the prompt for `item`.
    pub fn render(&self, item: &Item) -> Result<String, PromptError> {
        let Some(template) = &self.0 else { return Ok(default_prompt(item)) };
        template.render(context! {
            text => &item.inputs.text,
            choices => &item.choices,
            id => &item.id,
            meta => Serde(&item.meta),
            ..Value::from(Serde(item.meta.as_ref().filter(|meta| meta.is_object()).unwrap_or(&Json::Null)))
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
