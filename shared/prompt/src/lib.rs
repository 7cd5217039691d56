//! Prompts: the text that a model is asked for an item, from the run's template or the default one.

use minijinja::{Environment, UndefinedBehavior, context, value::Serde};
use runmill_proto::{Item, ItemType, ONE_LETTER_LABELS, choice_label};

/// Number of steps that a template may take for one item. A template that takes more, such as an endless loop, fails.
const FUEL: u64 = 100_000;
const NAME: &str = "prompt";

/// A compiled prompt template.
///
/// A template is Jinja, with `text`, `choices`, `id` and `meta` of the item as variables. An unknown name is an
/// error. Without a template, the prompt is the text, followed by the labelled choices of a multiple-choice item.
pub struct Prompt(Option<Environment<'static>>);

/// Error for a template that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// Message of the template engine about a template that does not compile, with the line.
    #[error("{0}")]
    Compile(String),
    #[error("`{0}` is no variable; a template can use text, choices, id and meta, as in {{{{ text }}}}")]
    Unknown(String),
    /// Name in single braces, in a template that uses no part of the item.
    #[error("`{{{0}}}` would be sent as it is; write {{{{ text }}}} where the question goes")]
    OneBrace(String),
    #[error(
        "uses no part of the item, so every prompt would be the same; write {{{{ text }}}} where the question goes"
    )]
    NoItem,
    /// Message of the template engine about a template that cannot be rendered for an item.
    #[error("the prompt template: {0}")]
    Render(String),
}

/// Names that a template can use.
const VARIABLES: [&str; 4] = ["text", "choices", "id", "meta"];

/// Checks a template before the run: that it compiles, knows all names that it uses, and uses a part of the item.
pub fn check(template: &str) -> Result<(), PromptError> {
    let Prompt(Some(environment)) = Prompt::compile(Some(template))? else { return Ok(()) };
    let compiled = environment.get_template(NAME).expect("compiled under this name");
    let used = compiled.undeclared_variables(false);
    let is_known = |name: &str| VARIABLES.contains(&name) || environment.globals().any(|(it, _)| it == name);
    // In the order of names, so that the same template has the same error.
    if let Some(unknown) = used.iter().filter(|name| !is_known(name)).min() {
        return Err(PromptError::Unknown(unknown.clone()));
    }
    if used.iter().any(|name| VARIABLES.contains(&&**name)) {
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
    fn every_choice_is_in_the_default_also_after_the_26th() {
        let choices = (0..30).map(|n| format!("label {n}")).collect();
        let prompt = Prompt::compile(None).unwrap().render(&Item { choices, ..item() }).unwrap();
        for line in ["A. label 0", "Z. label 25", "AA. label 26", "AD. label 29"] {
            assert!(prompt.lines().any(|it| it == line), "{prompt}");
        }
        assert!(prompt.ends_with("\n\nAnswer with the label of the right choice."), "{prompt}");
    }

    #[test]
    fn a_template_sees_the_item() {
        let template = "[{{ meta.topic }}] {{ text }} {% for c in choices %}({{ c }}){% endfor %}";
        let prompt = Prompt::compile(Some(template)).unwrap().render(&item()).unwrap();
        assert_eq!(prompt, "[colour] Red? (yes)(no)");
    }

    #[test]
    fn a_template_that_asks_nothing_of_the_item_or_names_nothing_known_is_refused() {
        let table = [
            (
                "Q: {{ question }}",
                Some("`question` is no variable; a template can use text, choices, id and meta"),
            ),
            (
                "{{ text }} {{ meta.topic }} {% if topic is defined %}x{% endif %}",
                Some("`topic` is no variable"),
            ),
            ("Q: {question}", Some("`{question}` would be sent as it is; write {{ text }} where")),
            ("Answer in JSON: {\"a\": 1}", Some("uses no part of the item")),
            ("Answer.", Some("uses no part of the item")),
            ("{{ text }} as {answer}", None),
            ("{% for c in choices %}{{ loop.index }} {{ c }}{% endfor %}", None),
            ("{% set x = meta.topic %}{{ x }}{% for n in range(2) %}{{ n }}{% endfor %}", None),
            ("{% macro m(a) %}{{ a }}{% endmacro %}{{ m(text) }}", None),
        ];
        for (template, want) in table {
            let found = check(template).err().map(|error| error.to_string());
            match (&found, want) {
                (None, None) => {}
                (Some(found), Some(want)) => assert!(found.contains(want), "{template}: {found}"),
                _ => panic!("{template}: {found:?}"),
            }
        }
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
