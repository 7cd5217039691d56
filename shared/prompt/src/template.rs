use minijinja::{Environment, UndefinedBehavior, value::Value};

use crate::{PromptError, bounds, printing};

/// Fuel that a template may use for one item: a step costs one, and so do 64 bytes of text. A template that needs more, such
/// as an endless loop, fails.
const FUEL: u64 = 100_000;
/// Largest depth of macros and recursive loops.
const RECURSION_MAX: usize = 100;
const NAME: &str = "prompt";

/// A compiled template.
pub struct Template(Environment<'static>);

impl Template {
    pub fn compile(template: &str) -> Result<Self, PromptError> {
        bounds::check(template)?;
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(RECURSION_MAX);
        environment.set_formatter(printing::print);
        let added = environment.add_template_owned(NAME, template.to_owned());
        added.map_err(|error| PromptError::Compile(error.to_string()))?;
        Ok(Self(environment))
    }

    /// Returns the names that the template takes from what it is rendered with.
    pub fn names(&self) -> Vec<String> {
        let Ok(template) = self.0.get_template(NAME) else { return Vec::new() };
        let is_global = |name: &String| self.0.globals().any(|(it, _)| it == name);
        template.undeclared_variables(false).into_iter().filter(|name| !is_global(name)).collect()
    }

    pub fn render(&self, context: Value) -> Result<String, PromptError> {
        let rendered = self.0.get_template(NAME).and_then(|template| template.render(context));
        rendered.map_err(|error| PromptError::Render(error.to_string()))
    }
}
