use std::{iter, ops::Range};

use aho_corasick::{AhoCorasick, MatchKind};
use runmill_proto::TokenLogprob;
use secrecy::{ExposeSecret, SecretString};

use super::{
    REDACTED, is_secret,
    sought::{BLOCK, Sought},
};
use crate::ChatResponse;

/// Removes the secrets that a provider repeats in an answer. Unlike errors, answers keep everything else as it is.
///
/// Nearly all answers contain no secret, so one pass over the text looks for blocks of all secrets at once.
pub(super) struct AnswerRedactor {
    secrets: Vec<Sought>,
    /// Searcher for the blocks; `None` if there is no secret.
    blocks: Option<AhoCorasick>,
}

/// Headers whose values are public by their meaning. An answer may contain them by chance: a version is a date, and a
/// referer is a web page.
const PUBLIC: [&str; 11] = [
    "accept",
    "accept-language",
    "anthropic-beta",
    "anthropic-version",
    "api-version",
    "content-type",
    "http-referer",
    "openai-beta",
    "referer",
    "user-agent",
    "x-title",
];

impl AnswerRedactor {
    /// * `keys`: secrets of which parts are removed, too.
    /// * `headers`: names and values of headers.
    pub fn new<'a>(
        keys: impl IntoIterator<Item = &'a SecretString>,
        headers: impl IntoIterator<Item = (&'a String, &'a SecretString)>,
    ) -> Self {
        let keys = keys.into_iter().flat_map(words);
        let is_public = |name: &str| PUBLIC.iter().any(|public| name.eq_ignore_ascii_case(public));
        let headers =
            headers.into_iter().filter(|(name, _)| !is_public(name)).map(|(_, value)| value.clone());
        let secrets = keys.map(Sought::key).chain(headers.filter(is_sought).map(Sought::whole)).collect();
        let mut redactor = Self { secrets, blocks: None };
        redactor.blocks = redactor.searcher();
        redactor
    }

    /// Removes secrets from every text of an answer. Returns true if there were any.
    pub fn redact(&self, answer: &mut ChatResponse) -> bool {
        let ChatResponse { text, reasoning, refusal, tool_calls, remarks, logprobs, .. } = answer;
        let tools = tool_calls.iter_mut().flat_map(|it| [&mut it.id, &mut it.name, &mut it.arguments]);
        let texts = iter::once(text).chain(reasoning).chain(refusal).chain(&mut remarks.answered_by);
        let mut found = false;
        for text in texts.chain(tools) {
            found |= self.redact_text(text);
        }
        if let Some(tokens) = logprobs {
            found |= self.redact_tokens(tokens);
        }
        found
    }

    pub fn redact_text(&self, text: &mut String) -> bool {
        let found = self.find(text);
        for range in found.iter().rev() {
            text.replace_range(range.clone(), REDACTED);
        }
        !found.is_empty()
    }

    /// Removes the tokens of which a secret consists.
    pub fn redact_tokens(&self, tokens: &mut [TokenLogprob]) -> bool {
        let text: String = tokens.iter().map(|it| it.token.as_str()).collect();
        let found = self.find(&text);
        let mut start = 0;
        for token in tokens {
            let end = start + token.token.len();
            if found.iter().any(|range| range.start < end && start < range.end) {
                REDACTED.clone_into(&mut token.token);
                token.top_logprobs.clear();
            }
            token.top_logprobs.retain(|other| self.find(&other.token).is_empty());
            start = end;
        }
        !found.is_empty()
    }

    /// Returns the length of the beginning of `text` that nothing can change that follows. `runs` are its secret parts.
    pub fn settled(&self, text: &str, runs: &[Range<usize>]) -> usize {
        let begun = self.secrets.iter().map(|secret| secret.begun(text.as_bytes())).max().unwrap_or(0);
        // A part that follows such a run without a gap is removed together with it.
        outside(text.floor_char_boundary(text.len() - begun), runs)
    }

    /// Returns the parts of `text` that are secret, in order and apart from each other.
    pub fn find(&self, text: &str) -> Vec<Range<usize>> {
        let has_block = |blocks: &AhoCorasick| text.len() >= BLOCK && blocks.is_match(text);
        if !self.blocks.as_ref().is_some_and(has_block) {
            return Vec::new();
        }
        let found = self.secrets.iter().flat_map(|secret| secret.find(text.as_bytes()));
        let whole_chars =
            |run: Range<usize>| text.floor_char_boundary(run.start)..text.ceil_char_boundary(run.end);
        let mut found: Vec<_> = found.map(whole_chars).collect();
        found.sort_unstable_by_key(|range| range.start);
        found.dedup_by(|next, before| {
            let joined = next.start <= before.end;
            if joined {
                before.end = before.end.max(next.end);
            }
            joined
        });
        found
    }

    fn searcher(&self) -> Option<AhoCorasick> {
        let blocks: Vec<_> = self.secrets.iter().flat_map(Sought::blocks).map(|(_, block)| block).collect();
        // Only leftmost matches are found by SIMD instructions.
        let build = |blocks| AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(blocks);
        (!blocks.is_empty()).then(|| build(blocks).expect("some kilobytes of patterns are not too many"))
    }
}

/// Returns `end`, or the start of the run that it is in, or right behind.
pub(super) fn outside(end: usize, runs: &[Range<usize>]) -> usize {
    runs.iter().find(|run| run.start < end && end <= run.end).map_or(end, |run| run.start)
}

/// Returns the words of a key that is looked for. A key in a header has the scheme before it.
fn words(key: &SecretString) -> Vec<SecretString> {
    let words = key.expose_secret().split_whitespace().map(SecretString::from);
    words.filter(is_sought).collect()
}

fn is_sought(value: &SecretString) -> bool {
    let value = value.expose_secret();
    value.len() >= BLOCK && is_secret(value)
}
