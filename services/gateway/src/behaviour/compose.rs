use std::{borrow::Cow, iter};

use super::{Base, Model};
use crate::AnswerKey;

/// What the model says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion<'a> {
    pub text: Cow<'a, str>,
    pub tokens: usize,
    pub finish: Finish,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    Stop,
    /// The caller's token limit came first.
    Length,
}

const LOREM_TOKENS: u32 = 16;
const LOREM: &str = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et \
                     dolore magna aliqua ut enim ad minim veniam quis nostrud exercitation ullamco laboris nisi ut \
                     aliquip ex ea commodo consequat";
/// Words that are no number, no choice's letter, and hardly anyone's answer.
const REASONING: &str = "so we go through what is given, one step after the other, and put them together; then we look \
                         once more at what was asked, and check;";
const UNKNOWN: &str = "I do not know this question.";

impl Model {
    /// The answer to `prompt`, the user's last message. `tokens_max` is the caller's limit.
    ///
    /// `key` is only asked for the base `key`; without one, every question is an unknown one.
    pub fn complete<'a>(
        &self,
        prompt: &'a str,
        key: Option<&'a AnswerKey>,
        tokens_max: Option<usize>,
    ) -> Completion<'a> {
        let wanted = self.tokens.map(size);
        let text = match (self.base, wanted) {
            (Base::Echo, None) => Cow::Borrowed(prompt),
            (Base::Echo, Some(count)) => Cow::Owned(cycle(prompt, count)),
            (Base::Lorem, _) => Cow::Owned(cycle(LOREM, wanted.unwrap_or(size(LOREM_TOKENS)))),
            (Base::Key { right }, _) => {
                let answer = key.and_then(|key| key.answer(prompt, right)).unwrap_or(UNKNOWN);
                wanted.map_or(Cow::Borrowed(answer), |count| reason_first(answer, count))
            }
        };
        limited(text, tokens_max)
    }
}

/// The pieces in which a text is streamed: words, each with the white space before it. Together they are the
/// whole text.
pub fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    iter::from_fn(move || {
        let word = rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len());
        let end = rest[word..].find(char::is_whitespace).map_or(rest.len(), |length| word + length);
        let (token, tail) = rest.split_at(end);
        rest = tail;
        (!token.is_empty()).then_some(token)
    })
}

fn cycle(text: &str, count: usize) -> String {
    let mut out = String::new();
    for word in text.split_whitespace().cycle().take(count) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

fn reason_first(answer: &str, count: usize) -> Cow<'_, str> {
    match count.saturating_sub(tokens(answer).count()) {
        0 => Cow::Borrowed(answer),
        padding => Cow::Owned(cycle(REASONING, padding) + " " + answer),
    }
}

fn limited(text: Cow<'_, str>, tokens_max: Option<usize>) -> Completion<'_> {
    let (mut kept, mut bytes) = (0, 0);
    for token in tokens(&text).take(tokens_max.unwrap_or(usize::MAX)) {
        kept += 1;
        bytes += token.len();
    }
    if bytes == text.len() {
        return Completion { text, tokens: kept, finish: Finish::Stop };
    }
    let text = match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..bytes]),
        Cow::Owned(mut text) => {
            text.truncate(bytes);
            Cow::Owned(text)
        }
    };
    Completion { text, tokens: kept, finish: Finish::Length }
}

fn size(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn complete(model: &str, prompt: &str, tokens_max: Option<usize>) -> (String, usize, Finish) {
        let completion = model.parse::<Model>().unwrap().complete(prompt, None, tokens_max);
        (completion.text.into_owned(), completion.tokens, completion.finish)
    }

    #[test]
    fn echo_says_what_it_was_told() {
        assert_eq!(complete("echo", "one  two\n", None), ("one  two\n".to_owned(), 3, Finish::Stop));
        assert_eq!(complete("echo", "", None), (String::new(), 0, Finish::Stop));
        assert_eq!(complete("echo+tokens=5", "a b", None).0, "a b a b a");
        assert_eq!(complete("echo+tokens=5", "", None).1, 0);
    }

    #[test]
    fn lorem_has_the_tokens_asked_for() {
        assert_eq!(complete("lorem", "?", None).1, 16);
        assert_eq!(complete("lorem+tokens=1000", "?", None).1, 1000);
        assert!(complete("lorem", "?", None).0.starts_with("lorem ipsum dolor"));
    }

    #[test]
    fn the_callers_limit_cuts_the_answer_and_says_so() {
        assert_eq!(complete("echo", "a b c", Some(2)), ("a b".to_owned(), 2, Finish::Length));
        assert_eq!(complete("echo", "a b c", Some(3)), ("a b c".to_owned(), 3, Finish::Stop));
        assert_eq!(complete("lorem+tokens=9", "?", Some(0)), (String::new(), 0, Finish::Length));
    }

    #[test]
    fn reasoning_fills_up_to_the_count_and_the_answer_stays_whole() {
        assert_eq!(reason_first("The answer is 18.", 6), "so we The answer is 18.");
        assert_eq!(reason_first("The answer is 18.", 2), "The answer is 18.");
        assert_eq!(tokens(&reason_first("The answer is 18.", 64)).count(), 64);
    }

    proptest! {
        #[test]
        fn the_tokens_are_the_text(text in "[ab \n\u{2003}é]{0,40}") {
            prop_assert_eq!(tokens(&text).collect::<String>(), text);
        }
    }
}
