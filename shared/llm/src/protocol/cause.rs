//! Causes of errors that servers tell in words, whatever protocol they speak: a gateway passes on the words of the
//! server behind it.

use super::{oversize, status::ErrorHead};
use crate::ModelError;

/// Cause of an error, if its status alone does not show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The key is refused, with another status than that of a refused key.
    Key,
    /// The prompt and the answer do not fit the model's context window.
    Context,
    /// The request alone exceeds a rate limit or the account's money, so that no waiting helps.
    Oversize,
    /// The request is at fault, although the server tells a fault of its own.
    Request,
    /// The server loads its model.
    Starting,
    /// All servers behind a gateway fail.
    Down,
}

impl Cause {
    /// Finds the cause of an error with this status, type or code, and message.
    pub fn find(status: u16, code: &str, message: &str) -> Option<Self> {
        let message = message.to_ascii_lowercase();
        let says = |phrases: &[&str]| phrases.iter().any(|phrase| message.contains(phrase));
        let of_request = (400..429).contains(&status);
        match status {
            429 if code == "all_deployments_in_cooldown" || says(COOLDOWN) => Some(Self::Down),
            429 if oversize::exceeds_limit(&message) => Some(Self::Oversize),
            402 if says(TOO_DEAR) => Some(Self::Oversize),
            400 if code == "no_db_connection" || says(NO_KEY_CHECK) => Some(Self::Key),
            503 if says(STARTING) => Some(Self::Starting),
            500 if says(REQUEST) => Some(Self::Request),
            // The message of a failing server is not reliable about the request, so only statuses of bad requests are
            // examined.
            _ if of_request && (code == "exceed_context_size_error" || says(CONTEXT)) => Some(Self::Context),
            _ => None,
        }
    }

    pub fn error(self, head: ErrorHead, message: String) -> ModelError {
        let ErrorHead { status, after, .. } = head;
        match self {
            Self::Key => ModelError::Authentication { message },
            Self::Context => ModelError::ContextLength { message },
            Self::Oversize | Self::Request => ModelError::InvalidRequest { status, message },
            Self::Starting => ModelError::Starting { message },
            Self::Down => ModelError::Overloaded { message, after },
        }
    }
}

/// Phrases of, in this order: OpenAI and vLLM; OpenAI's responses; llama.cpp; TGI; Mistral; `LiteLLM`; Anthropic, three
/// phrases, the last of them at Bedrock; Google.
const CONTEXT: &[&str] = &[
    "maximum context length",
    "exceeds the context window",
    "exceeds the available context size",
    "`inputs` tokens + `max_new_tokens` must be",
    "too large for model with",
    "contextwindowexceedederror",
    "prompt is too long",
    "exceed context limit",
    "input is too long for requested model",
    "exceeds the maximum number of tokens allowed",
];

/// Phrase of `LiteLLM`'s router while it calls none of a model's servers.
const COOLDOWN: &[&str] = &["no deployments available for selected model"];

/// Phrase of `OpenRouter`, for an account that has enough for smaller requests.
const TOO_DEAR: &[&str] = &["fewer max_tokens"];

/// Phrase of `LiteLLM` without a database, for every key that is not its master key.
const NO_KEY_CHECK: &[&str] = &["no connected db"];

/// Phrases of llama.cpp; TGI and others.
const STARTING: &[&str] = &["loading model", "model is loading", "is currently loading"];

/// Phrases of llama.cpp; of pydantic, two phrases.
const REQUEST: &[&str] = &["image input is not supported", "validation error", "literal_error"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_needs_its_status() {
        let context = "litellm.ContextWindowExceededError: litellm.BadRequestError: too long";
        let table = [
            (400, "", context, Some(Cause::Context)),
            (500, "", context, None),
            (429, "", context, None),
            (503, "", "Loading model", Some(Cause::Starting)),
            (500, "", "Loading model", None),
            (500, "", "image input is not supported - hint: you may need the mmproj", Some(Cause::Request)),
            (502, "", "1 validation error for CreateChatCompletionRequest", None),
            (429, "all_deployments_in_cooldown", "", Some(Cause::Down)),
            (400, "no_db_connection", "", Some(Cause::Key)),
        ];
        for (status, code, message, want) in table {
            assert_eq!(Cause::find(status, code, message), want, "{status} {code} {message}");
        }
    }
}
