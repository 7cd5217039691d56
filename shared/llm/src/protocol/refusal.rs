//! Finds the parts of a request that a provider refuses, and without which it may accept the request. The phrases are
//! those of all protocols, because gateways pass on the errors of the providers behind them.

use runmill_proto::Fix;

use super::Form;

/// An error answer that may be a refusal of a part of the request. Absent texts are empty.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refusal<'a> {
    pub status: u16,
    pub code: &'a str,
    /// Parameter that the error names in a field of its own.
    pub param: &'a str,
    pub message: &'a str,
}

impl Refusal<'_> {
    /// Returns the changes after which the provider may accept the request. Some may have no effect on it.
    pub fn fixes(self) -> Form {
        let message = self.message.to_ascii_lowercase();
        let says = |phrases: &[&str]| phrases.iter().any(|phrase| message.contains(phrase));
        let mut form = Form::default();
        if matches!(self.status, 400 | 422)
            && (says(UNKNOWN) || says(UNSUPPORTED) || self.code == "unsupported_value")
            && !says(RANGE)
        {
            form.extend(sampling(self.param, &message));
        }
        // The templates of some models raise an exception at a system message, which llama.cpp tells as its own.
        if matches!(self.status, 400 | 422 | 500) && says(NO_SYSTEM) {
            form = form.with(Fix::SystemInQuestion);
        }
        let is_unknown_model = match self.status {
            400 | 422 => self.code == "model_not_found" || says(NO_MODEL),
            404 => self.code == "model_not_found" || message.contains("model"),
            _ => false,
        };
        if is_unknown_model {
            form = form.with(Fix::FullModelName).with(Fix::ShortModelName);
        }
        form
    }
}

/// Returns the fixes for the sampling parameters that an error names. Only these are left out to have a request
/// accepted: they tune an answer, while every other parameter changes what is asked for.
fn sampling(param: &str, message: &str) -> Vec<Fix> {
    let named = |text: &str| {
        PARAMETERS
            .iter()
            .filter(|(names, _)| names.iter().any(|it| has_word(text, it)))
            .map(|(_, fix)| *fix)
            .collect::<Vec<_>>()
    };
    // A message may quote the whole request, with parameters that are not refused.
    if !param.is_empty() {
        return named(&param.to_ascii_lowercase());
    }
    let fixes = named(message);
    // The temperature changes the answers more than the parameter that excludes it, so it stays.
    if message.contains("both") && fixes == [Fix::NoTemperature, Fix::NoTopP] {
        return vec![Fix::NoTopP];
    }
    fixes
}

/// Returns true if `text` contains `word` between characters that are no part of a name.
fn has_word(text: &str, word: &str) -> bool {
    let ends = |c: Option<char>| !c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    text.match_indices(word)
        .any(|(at, _)| ends(text[..at].chars().next_back()) && ends(text[at + word.len()..].chars().next()))
}

/// Names of the sampling parameters in lower case. Gemini's errors name both of its penalties by one word.
const PARAMETERS: [(&[&str], Fix); 8] = [
    (&["temperature"], Fix::NoTemperature),
    (&["top_p", "topp"], Fix::NoTopP),
    (&["top_k", "topk"], Fix::NoTopK),
    (&["seed", "random_seed"], Fix::NoSeed),
    (
        &["presence_penalty", "presencepenalty", "presence penalty", "penalty is not enabled"],
        Fix::NoPresencePenalty,
    ),
    (
        &["frequency_penalty", "frequencypenalty", "frequency penalty", "penalty is not enabled"],
        Fix::NoFrequencyPenalty,
    ),
    (&["repetition_penalty"], Fix::NoRepetitionPenalty),
    (&["repeat_penalty"], Fix::NoRepeatPenalty),
];

/// Phrases for a parameter that a server does not know, of, in this order: OpenAI; older OpenAI; older Azure; Mistral
/// and other users of pydantic, newer and older; Groq; Azure's model inference; Bedrock; Google; a Python function.
pub(super) const UNKNOWN: &[&str] = &[
    "unsupported parameter",
    "unknown parameter",
    "unrecognized request argument",
    "extra inputs are not permitted",
    "extra fields not permitted",
    "is unsupported",
    "are not allowed",
    "is not permitted",
    "unknown name",
    "unexpected keyword argument",
];

/// Phrases for a parameter, or for any value of it but the default, that a model does not support, of, in this order:
/// OpenAI's reasoning models; LiteLLM for them; xAI and Groq; LiteLLM and others; others; Gemini; Anthropic, three
/// phrases; Moonshot.
const UNSUPPORTED: &[&str] = &[
    "unsupported value",
    "don't support",
    "not supported",
    "does not support",
    "doesn't support",
    "is not enabled",
    "cannot both be specified",
    "may only be set to",
    "is deprecated for this model",
    "is allowed for this model",
];

/// Phrases of errors in a value. They are no refusals of the parameter, which has to be corrected.
const RANGE: &[&str] = &[
    "between",
    "must be",
    "should be",
    "less than",
    "greater than",
    "at most",
    "at least",
    "out of range",
    "<=",
    ">=",
];

/// Phrases of, in this order: Gemma's template; vLLM and others, four phrases; OpenAI's first reasoning models; Gemini
/// for Gemma; Mistral's templates, two phrases.
const NO_SYSTEM: &[&str] = &[
    "system role not supported",
    "system role is not supported",
    "does not support system",
    "doesn't support system",
    "system messages are not supported",
    "does not support 'system'",
    "developer instruction is not enabled",
    "conversation roles must alternate",
    "only user and assistant roles are supported",
];

/// Phrases of, in this order: most servers; LiteLLM, two phrases; `OpenRouter`; others.
const NO_MODEL: &[&str] = &[
    "model not found",
    "invalid model name",
    "no healthy deployments",
    "not a valid model",
    "unknown model",
    "no such model",
];

#[cfg(test)]
mod tests;
