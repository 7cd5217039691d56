use secrecy::{ExposeSecret, SecretString};

/// Prepares a provider's text for logs and records: shortens it, and removes secrets.
///
/// Providers echo keys, whole ("invalid x-api-key: sk-...") or masked ("Incorrect API key provided: sk-ab***yz"), and
/// a gateway in between may echo any header.
pub(crate) struct Redactor {
    secrets: Vec<SecretString>,
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
    pub fn new(secrets: impl IntoIterator<Item = SecretString>) -> Self {
        let secrets = secrets.into_iter().filter(|secret| is_secret(secret.expose_secret()));
        Self { secrets: secrets.collect() }
    }

    /// Returns `text` without secrets or parts of them, on one line, cut after 500 characters.
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

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sk-live-4f9a1c77e0b24d5a";

    fn clean(text: &str) -> String {
        Redactor::new([KEY.into(), "1".into(), "two words here".into()]).clean(text)
    }

    #[test]
    fn nothing_of_a_secret_remains() {
        let table = [
            ("Invalid key sk-live-4f9a1c77e0b24d5a.", "Invalid key [redacted]."),
            ("got 'Bearer sk-live-4f9a1c77e0b24d5a'", "got 'Bearer [redacted]'"),
            ("Incorrect API key provided: sk-l****4d5a. See", "Incorrect API key provided: [redacted] See"),
            ("cut: 9a1c77e0b24", "cut: [redacted]"),
            ("header two words here", "header [redacted]"),
            ("over 1 limit\n of\t10", "over 1 limit of 10"),
        ];
        for (text, want) in table {
            assert_eq!(clean(text), want);
        }
    }

    #[test]
    fn an_ordinary_word_is_no_secret() {
        let table = [
            ("openai", "openai error: no", "openai error: no"),
            ("EMPTY", "EMPTY choices", "EMPTY choices"),
            ("Anthropic", "Anthropic: overloaded", "Anthropic: overloaded"),
            ("abcdefghijkl", "got abcdefghijkl", "got [redacted]"),
            ("hunTer", "got hunTer", "got [redacted]"),
            ("hunter2", "got hunter2", "got [redacted]"),
            ("sk-good", "got sk-good", "got [redacted]"),
        ];
        for (value, text, want) in table {
            assert_eq!(Redactor::new([value.into()]).clean(text), want, "{value}");
        }
    }

    #[test]
    fn a_secret_that_was_cut_in_half_is_hidden_too() {
        let text = format!("{} {KEY}", "x".repeat(TEXT_MAX_CHARS - 10));

        let clean = clean(&text);

        assert!(!clean.contains("sk-live"), "{clean}");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let clean = clean(&"ä".repeat(600));
        assert_eq!(clean.chars().count(), TEXT_MAX_CHARS + 3);
    }
}
