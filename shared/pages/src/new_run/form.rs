use maud::{Markup, html};
use runmill_proto::{DatasetId, ProviderId, Scorer};
use serde::Deserialize;

use crate::text::plain;

/// A provider that the form offers.
pub struct Choice {
    pub id: ProviderId,
    pub name: String,
}

/// The form of a new run, as it was typed. An empty field has no value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Form {
    pub provider: String,
    pub model: String,
    pub name: String,
    pub samples: String,
    pub temperature: String,
    pub max_tokens: String,
    pub concurrency: String,
    pub budget_usd: String,
    pub scorer: String,
    pub system_prompt: String,
    pub template: String,
}

impl Form {
    pub(super) fn fields(&self, dataset: DatasetId, choices: &[Choice]) -> Markup {
        html! {
            form.stack #run method="post" action="/ui/new/start" {
                input type="hidden" name="dataset" value=(dataset);
                label for="provider" { "Provider" }
                select #provider name="provider" required {
                    @for choice in choices {
                        option value=(choice.id) selected[choice.id.to_string() == self.provider] { (plain(&choice.name)) }
                    }
                }
                @if choices.is_empty() { p.alert { "There is no provider yet: an admin adds one." } }
                (text("model", "Model", &self.model, true))
                (text("name", "Name of the run", &self.name, false))
                div.row {
                    (number("samples", "Samples", &self.samples, "1", "1"))
                    (number("temperature", "Temperature", &self.temperature, "0", "any"))
                    (number("max_tokens", "Max tokens", &self.max_tokens, "1", "1"))
                    (number("concurrency", "Calls in flight", &self.concurrency, "1", "1"))
                    (number("budget_usd", "Budget in $", &self.budget_usd, "0", "any"))
                }
                label for="scorer" { "Scorer" }
                select #scorer name="scorer" {
                    option value="" { "that of each item" }
                    @for scorer in Scorer::ALL.iter().filter(|scorer| needs_nothing(**scorer)) {
                        option value=(scorer) selected[scorer.as_str() == self.scorer] { (scorer) }
                    }
                }
                label for="system_prompt" { "System prompt" }
                textarea #system_prompt name="system_prompt" rows="2" { (self.system_prompt) }
                label for="template" { "Prompt template " span.quiet { "Jinja; " code { "{{ text }}" } " is the question" } }
                textarea #template name="template" rows="3" spellcheck="false" { (self.template) }
                div.actions {
                    button type="submit" formaction="/ui/new/estimate" { "Estimate" }
                    button type="submit" formaction="/ui/new/smoke-test" { "Smoke test" }
                    button.main type="submit" { "Start" }
                }
            }
        }
    }
}

/// Returns true for a scorer that works without further settings.
const fn needs_nothing(scorer: Scorer) -> bool {
    !matches!(scorer, Scorer::Regex | Scorer::Pattern | Scorer::Answer)
}

fn text(name: &str, label: &str, value: &str, is_required: bool) -> Markup {
    html! {
        label for=(name) { (label) }
        input id=(name) type="text" name=(name) value=(value) required[is_required] spellcheck="false" autocomplete="off";
    }
}

fn number(name: &str, label: &str, value: &str, min: &str, step: &str) -> Markup {
    html! {
        div {
            label for=(name) { (label) }
            input id=(name) type="number" name=(name) value=(value) min=(min) step=(step) placeholder="default";
        }
    }
}
