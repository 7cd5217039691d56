//! Prompts: the text that a model is asked for an item, from the run's template or the default one.

use minijinja::{Environment, UndefinedBehavior, context, value::Serde};
use runmill_proto::{Item, ItemType};

/// Number of steps that a template may take for one item. A template that takes more, such as an endless loop, fails.
const FUEL: u64 = 100_000;
const NAME: &str = "prompt";

/// A compiled prompt template.
///
/// A template is Jinja, with `text`, `choices`, `id` and `meta` of the item as variables. An unknown name is an
/// error. Without a template, the prompt is the text, followed by the lettered choices of a multiple-choice item.
pub struct Prompt(Option<Environment<'static>>);

/// Error for a template that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// Message of the template engine about a template that does not compile, with the line.
    #[error("{0}")]
    Compile(String),
    /// Message of the template engine about a template that cannot be rendered for an item.
    #[error("the prompt template: {0}")]
    Render(String),
}

/// Checks that the template compiles.
pub fn check(template: &str) -> Result<(), PromptError> {
    Prompt::compile(Some(template)).map(drop)
}

impl Prompt {
    pub fn compile(template: Option<&str>) -> Result<Self, PromptError> {
        let Some(template) = template else { return Ok(Self(None)) };
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        let added = environment.add_template_owned(NAME, template.to_owned());
        added.map_err(|error| PromptError::Compile(error.to_string()))?;
        Ok(Self(Some(environment)))
    }

    /// Returns the prompt for `item`.
    pub fn render(&self, item: &Item) -> Result<String, PromptError> {
        let Some(environment) = &self.0 else { return Ok(default_prompt(item)) };
        let template = environment.get_template(NAME).expect("compiled under this name");
        let context = context! {
            text => &item.inputs.text,
            choices => &item.choices,
            id => &item.id,
            meta => Serde(&item.meta),
        };
        template.render(context).map_err(|error| PromptError::Render(error.to_string()))
    }
}

fn default_prompt(item: &Item) -> String {
    let text = &item.inputs.text;
    let ask = match item.item_type {
        ItemType::McqSingle => "Answer with the letter of the right choice.",
        ItemType::McqMulti => "Answer with the letters of all right choices, separated by commas.",
        ItemType::Freeform | ItemType::Code | ItemType::JudgePairwise => return text.clone(),
    };
    let lines: Vec<_> = (b'A'..=b'Z')
        .zip(&item.choices)
        .map(|(letter, choice)| format!("{}. {choice}", char::from(letter)))
        .collect();
    format!("{text}\n\n{}\n\n{ask}", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item() -> Item {
        let json = r#"{"id":"q1","type":"mcq_single","inputs":{"text":"Red?"},"choices":["yes","no"],
            "answer":"A","meta":{"topic":"colour"}}"#;
        Item::from_json(json).unwrap()
    }

    #[test]
    fn the_default_is_the_text_and_lettered_choices() {
        let prompt = Prompt::compile(None).unwrap().render(&item()).unwrap();
        assert_eq!(prompt, "Red?\n\nA. yes\nB. no\n\nAnswer with the letter of the right choice.");
    }

    #[test]
    fn a_template_sees_the_item() {
        let template = "[{{ meta.topic }}] {{ text }} {% for c in choices %}({{ c }}){% endfor %}";
        let prompt = Prompt::compile(Some(template)).unwrap().render(&item()).unwrap();
        assert_eq!(prompt, "[colour] Red? (yes)(no)");
    }

    #[test]
    fn a_faulty_template_is_an_error_that_says_where() {
        let broken = check("{{ text").unwrap_err().to_string();
        assert!(broken.contains("prompt:1"), "{broken}");
        let unknown =
            Prompt::compile(Some("{{ question }}")).unwrap().render(&item()).unwrap_err().to_string();
        assert!(unknown.contains("undefined"), "{unknown}");
    }

    #[test]
    fn a_template_without_end_is_stopped() {
        let template = "{% for a in range(10000) %}{% for b in range(10000) %}x{% endfor %}{% endfor %}";
        let error = Prompt::compile(Some(template)).unwrap().render(&item()).unwrap_err().to_string();
        assert!(error.contains("fuel"), "{error}");
    }
}
