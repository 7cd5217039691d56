use serde::Serialize;

use crate::{behaviour::Part, protocol::Answer};

/// Log probability of every token, and by how much that of each alternative is lower than that of the one before.
const LOGPROB: f64 = -0.25;
const STEP: f64 = 1.0;

/// Log probabilities of the tokens of an answer's text, or of a part of it.
#[derive(Serialize)]
pub(super) struct Logprobs<'a> {
    content: Vec<TokenLogprob<'a>>,
    refusal: Option<()>,
}

#[derive(Serialize)]
struct TokenLogprob<'a> {
    #[serde(flatten)]
    token: Candidate<'a>,
    top_logprobs: Vec<Candidate<'a>>,
}

#[derive(Clone, Serialize)]
struct Candidate<'a> {
    token: &'a str,
    logprob: f64,
    bytes: &'a [u8],
}

/// Tokens that are never sent, and so are the alternatives to all that are.
const ALTERNATIVES: [&str; 20] =
    ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t"];

impl<'a> Logprobs<'a> {
    /// Returns the log probabilities of the whole text, if the request asks for them.
    pub fn of(answer: &'a Answer<'_>) -> Option<Self> {
        let top = answer.request.top_logprobs?;
        let text = answer.completion.pieces().filter(|(part, _)| *part == Part::Text);
        Some(Self { content: text.map(|(_, token)| TokenLogprob::of(token, top)).collect(), refusal: None })
    }

    /// Returns that of one token, if the request asks for it.
    pub fn of_token(answer: &Answer<'_>, token: &'a str) -> Option<Self> {
        let top = answer.request.top_logprobs?;
        Some(Self { content: vec![TokenLogprob::of(token, top)], refusal: None })
    }
}

impl<'a> TokenLogprob<'a> {
    fn of(token: &'a str, top: usize) -> Self {
        let (mut logprob, mut top_logprobs) = (LOGPROB, Vec::new());
        for candidate in std::iter::once(token).chain(ALTERNATIVES).take(top) {
            top_logprobs.push(Candidate::new(candidate, logprob));
            logprob -= STEP;
        }
        Self { token: Candidate::new(token, LOGPROB), top_logprobs }
    }
}

impl<'a> Candidate<'a> {
    const fn new(token: &'a str, logprob: f64) -> Self {
        Self { token, logprob, bytes: token.as_bytes() }
    }
}
