//! Removes secrets from what a provider says. Only it can repeat its keys and headers, since no one else gets them.

mod answers;
mod deltas;
mod sought;
mod tail;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};

use self::answers::AnswerRedactor;
pub(crate) use self::deltas::DeltaRedactor;
use crate::{ChatResponse, target::authorizes};

/// Removes a provider's secrets from its errors and answers.
///
/// Providers echo keys, whole ("invalid x-api-key: sk-...") or masked ("Incorrect API key provided: sk-ab***yz"), and
/// a gateway in between may echo any header.
pub(crate) struct Redactor {
    secrets: Vec<SecretString>,
    answers: AnswerRedactor,
}

const TEXT_MAX_CHARS: usize = 500;
const REDACTED: &str = "[redacted]";

/// Number of characters in a row that a word may not have in common with a secret. So many are no coincidence, and
/// fewer are of no use to an attacker.
const SHARED_MAX: usize = 8;

/// Shortest secret. A shorter value of a header is no secret, and its removal would remove ordinary words.
const SECRET_MIN: usize = 4;

/// Length from which a value is a secret although it looks like a word.
const WORD_MAX: usize = 12;

impl Redactor {
    pub fn new<'a>(
        keys: impl IntoIterator<Item = &'a SecretString> + Clone,
        headers: &'a BTreeMap<String, SecretString>,
    ) -> Self {
        let in_headers = headers.iter().filter(|(name, _)| authorizes(name)).map(|(_, value)| value);
        let answers = AnswerRedactor::new(keys.clone().into_iter().chain(in_headers), headers);
        let secrets = keys.into_iter().chain(headers.values());
        let secrets = secrets.filter(|secret| is_secret(secret.expose_secret())).cloned().collect();
        Self { secrets, answers }
    }

    /// Removes secrets from every text of an answer. Returns true if there were any.
    pub fn redact(&self, answer: &mut ChatResponse) -> bool {
        self.answers.redact(answer)
    }

    /// Returns a redactor of the parts of one answer, as they arrive.
    pub fn deltas(&self) -> DeltaRedactor<'_> {
        DeltaRedactor::new(&self.answers)
    }

    /// Returns the text of an error without secrets or parts of them, on one line, cut after 500 characters.
    pub fn clean(&self, text: &str) -> String {
        // Whole secrets are removed before the text is split into words, because they may contain white space.
        let mut text = text.to_owned();
        for secret in &self.secrets {
            text = text.replace(secret.expose_secret(), REDACTED);
        }
        let words = text.split_whitespace().map(|word| if self.reveals(word) { REDACTED } else { word });
        let mut clean = String::with_capacity(text.len().min(4 * TEXT_MAX_CHARS));
        for word in words {
            if !clean.is_empty() {
                clean.push(' ');
            }
            clean.push_str(word);
        }
        if let Some((end, _)) = clean.char_indices().nth(TEXT_MAX_CHARS) {
            clean.truncate(end);
            clean.push_str("...");
        }
        clean
    }

    /// Returns true if `word` contains part of a secret. Providers mask secrets with asterisks in a row.
    fn reveals(&self, word: &str) -> bool {
        word.contains("***")
            || (word.len() >= SHARED_MAX
                && self
                    .secrets
                    .iter()
                    .any(|secret| shares(word.as_bytes(), secret.expose_secret().as_bytes())))
    }
}

/// Returns false for what messages contain anyway: a short value, and a single word in one case, such as the `openai` of
/// a gateway's header, or the `EMPTY` that servers without keys are given.
fn is_secret(value: &str) -> bool {
    let rest = value.get(1..).unwrap_or_default();
    let is_word = value.bytes().all(|byte| byte.is_ascii_alphabetic())
        && (rest.bytes().all(|byte| byte.is_ascii_lowercase())
            || value.bytes().all(|byte| byte.is_ascii_uppercase()));
    value.len() >= SECRET_MIN && !(is_word && value.len() < WORD_MAX)
}

fn shares(word: &[u8], secret: &[u8]) -> bool {
    secret.windows(SHARED_MAX).any(|part| memchr::memmem::find(word, part).is_some())
}
