use std::{borrow::Cow, iter};

use super::{Base, Model};
use crate::answer_key::AnswerKey;

/// Parts of a request that determine the answer's content.
#[derive(Clone, Copy, Debug, Default)]
pub struct CompletionParams<'a> {
    /// Last message of the user.
    pub prompt: &'a str,
    /// Token limit of the caller, which includes reasoning.
    pub tokens_max: Option<usize>,
    /// Name of the first tool.
    pub tool: Option<&'a str>,
    /// True if the answer must be JSON.
    pub json: bool,
}

/// Content of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion<'a> {
    /// Reasoning, which comes first.
    pub thoughts: Cow<'a, str>,
    pub thought_tokens: usize,
    /// Name of the tool that is called. `text` then holds its arguments, a JSON object.
    pub call: Option<&'a str>,
    pub text: Cow<'a, str>,
    pub text_tokens: usize,
    pub finish: Finish,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Finish {
    #[default]
    Stop,
    /// The caller's token limit ended the answer.
    Length,
    /// The answer is a tool call.
    Call,
}

/// Kinds of content in a completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Thoughts,
    Text,
    Call,
}

const LOREM_TOKENS: u32 = 16;
const LOREM: &str = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et \
                     dolore magna aliqua ut enim ad minim veniam quis nostrud exercitation ullamco laboris nisi ut \
                     aliquip ex ea commodo consequat";
/// Filler for reasoning. None of its words is a number or a choice's letter, or likely to be an answer.
const REASONING: &str = "so we go through what is given, one step after the other, and put them together; then we look \
                         once more at what was asked, and check;";
const UNKNOWN: &str = "I do not know this question.";

impl Model {
    /// Composes the answer to a request.
    ///
    /// Only the base `key` uses the argument `key`. Without it, that base knows no question.
    pub fn complete<'a>(&self, params: CompletionParams<'a>, key: Option<&'a AnswerKey>) -> Completion<'a> {
        let call = params.tool.filter(|_| self.base == Base::Tool);
        let text = self.text(params.prompt, key);
        let text = match (call, params.json) {
            (Some(_), _) => Cow::Owned(object("text", &text)),
            (None, true) => Cow::Owned(object("answer", &text)),
            (None, false) => text,
        };
        let thoughts = Cow::Owned(cycle(REASONING, size(self.think)));
        Completion { thoughts, call, text, ..Completion::default() }
            .limited(params.tokens_max.unwrap_or(usize::MAX))
    }

    fn text<'a>(&self, prompt: &'a str, key: Option<&'a AnswerKey>) -> Cow<'a, str> {
        let wanted = self.tokens.map(size);
        match (self.base, wanted) {
            (Base::Echo | Base::Tool, None) => Cow::Borrowed(prompt),
            (Base::Echo | Base::Tool, Some(count)) => Cow::Owned(cycle(prompt, count)),
            (Base::Lorem, _) => Cow::Owned(cycle(LOREM, wanted.unwrap_or(size(LOREM_TOKENS)))),
            (Base::Key { right }, _) => {
                let answer = key.and_then(|key| key.answer(prompt, right)).unwrap_or(UNKNOWN);
                wanted.map_or(Cow::Borrowed(answer), |count| reason_first(answer, count))
            }
        }
    }
}

impl Completion<'_> {
    /// Returns the parts that are not empty, in the order in which they are sent.
    pub fn parts(&self) -> impl Iterator<Item = Part> {
        let counted = [(Part::Thoughts, self.thought_tokens), (self.said(), self.text_tokens)];
        counted.into_iter().filter(|(_, tokens)| *tokens > 0).map(|(part, _)| part)
    }

    /// Returns the tokens of all parts, in the order in which they are streamed.
    pub fn pieces(&self) -> impl Iterator<Item = (Part, &str)> {
        let said = self.said();
        let thoughts = tokens(&self.thoughts).map(|token| (Part::Thoughts, token));
        thoughts.chain(tokens(&self.text).map(move |token| (said, token)))
    }

    fn said(&self) -> Part {
        if self.call.is_some() { Part::Call } else { Part::Text }
    }

    /// Counts the tokens of all parts.
    pub fn tokens(&self) -> usize {
        self.thought_tokens + self.text_tokens
    }

    /// Cuts the completion to the caller's limit. A tool call that does not fit is left out, because a part of it is
    /// useless.
    fn limited(mut self, tokens_max: usize) -> Self {
        let (thoughts, thought_tokens) = first(self.thoughts, tokens_max);
        let whole = self.text.len();
        let (text, text_tokens) = first(self.text, tokens_max - thought_tokens);
        (self.thoughts, self.text) = (thoughts, text);
        (self.thought_tokens, self.text_tokens) = (thought_tokens, text_tokens);
        self.finish = match (self.text.len() == whole, self.call) {
            (true, None) => Finish::Stop,
            (true, Some(_)) => Finish::Call,
            (false, _) => Finish::Length,
        };
        if self.finish == Finish::Length && self.call.take().is_some() {
            (self.text, self.text_tokens) = (Cow::Borrowed(""), 0);
        }
        self
    }
}

/// Splits a text into its tokens: words, each with the white space before it. Joined, the tokens are the text.
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

/// Returns the first `count` tokens of a text, or all if there are fewer, and their number.
fn first(text: Cow<'_, str>, count: usize) -> (Cow<'_, str>, usize) {
    let (mut kept, mut bytes) = (0, 0);
    for token in tokens(&text).take(count) {
        kept += 1;
        bytes += token.len();
    }
    let text = match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..bytes]),
        Cow::Owned(mut text) => {
            text.truncate(bytes);
            Cow::Owned(text)
        }
    };
    (text, kept)
}

/// Repeats the words of `text` until there are `count`.
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

/// Writes a JSON object with one field, a text.
fn object(name: &str, text: &str) -> String {
    format!(r#"{{"{name}": {}}}"#, serde_json::Value::from(text))
}

/// Puts reasoning before the answer, so that both together have `count` tokens or more.
fn reason_first(answer: &str, count: usize) -> Cow<'_, str> {
    match count.saturating_sub(tokens(answer).count()) {
        0 => Cow::Borrowed(answer),
        padding => Cow::Owned(cycle(REASONING, padding) + " " + answer),
    }
}

fn size(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn params(prompt: &str) -> CompletionParams<'_> {
        CompletionParams { prompt, ..CompletionParams::default() }
    }

    fn complete<'a>(model: &str, params: CompletionParams<'a>) -> Completion<'a> {
        model.parse::<Model>().unwrap().complete(params, None)
    }

    fn said(model: &str, prompt: &str, tokens_max: Option<usize>) -> (String, usize, Finish) {
        let completion = complete(model, CompletionParams { tokens_max, ..params(prompt) });
        (completion.text.into_owned(), completion.text_tokens, completion.finish)
    }

    #[test]
    fn echo_says_what_it_was_told() {
        assert_eq!(said("echo", "one  two\n", None), ("one  two\n".to_owned(), 3, Finish::Stop));
        assert_eq!(said("echo", "", None), (String::new(), 0, Finish::Stop));
        assert_eq!(said("echo+tokens=5", "a b", None).0, "a b a b a");
        assert_eq!(said("echo+tokens=5", "", None).1, 0);
    }

    #[test]
    fn lorem_has_the_tokens_asked_for() {
        assert_eq!(said("lorem", "?", None).1, 16);
        assert_eq!(said("lorem+tokens=1000", "?", None).1, 1000);
        assert!(said("lorem", "?", None).0.starts_with("lorem ipsum dolor"));
    }

    #[test]
    fn the_callers_limit_cuts_the_answer_and_says_so() {
        assert_eq!(said("echo", "a b c", Some(2)), ("a b".to_owned(), 2, Finish::Length));
        assert_eq!(said("echo", "a b c", Some(3)), ("a b c".to_owned(), 3, Finish::Stop));
        assert_eq!(said("lorem+tokens=9", "?", Some(0)), (String::new(), 0, Finish::Length));
    }

    #[test]
    fn thoughts_come_first_and_count_for_the_limit() {
        let table = [
            (None, "so we go", 3, 2, Finish::Stop),
            (Some(5), "so we go", 3, 2, Finish::Stop),
            (Some(4), "so we go", 3, 1, Finish::Length),
            (Some(2), "so we", 2, 0, Finish::Length),
        ];
        for (tokens_max, thoughts, thought_tokens, text_tokens, finish) in table {
            let completion = complete("echo+think=3", CompletionParams { tokens_max, ..params("a b") });

            assert_eq!(completion.thoughts, thoughts, "{tokens_max:?}");
            let counts = (completion.thought_tokens, completion.text_tokens, completion.finish);
            assert_eq!(counts, (thought_tokens, text_tokens, finish), "{tokens_max:?}");
            assert_eq!(completion.pieces().count(), completion.tokens());
        }
    }

    #[test]
    fn tool_calls_the_first_tool_with_the_prompt() {
        let with_tool = CompletionParams { tool: Some("look_up"), ..params("one \"two\"") };

        let completion = complete("tool", with_tool);

        assert_eq!((completion.call, completion.finish), (Some("look_up"), Finish::Call));
        assert_eq!(completion.text, r#"{"text": "one \"two\""}"#);
        assert!(completion.pieces().all(|(part, _)| part == Part::Call));
        let without =
            [complete("tool", params("a")), complete("echo", CompletionParams { prompt: "a", ..with_tool })];
        for completion in without {
            assert_eq!((completion.call, &*completion.text, completion.finish), (None, "a", Finish::Stop));
        }
    }

    #[test]
    fn a_call_that_the_limit_does_not_leave_whole_is_none() {
        let params = CompletionParams { tool: Some("look_up"), tokens_max: Some(2), ..params("a b c") };

        let completion = complete("tool+think=1", params);

        assert_eq!((completion.call, &*completion.text, completion.finish), (None, "", Finish::Length));
        assert_eq!((completion.thought_tokens, completion.text_tokens), (1, 0));
    }

    #[test]
    fn json_is_one_object_with_the_answer() {
        let completion = complete("echo", CompletionParams { json: true, ..params("a\n\"b\"") });

        assert_eq!(completion.text, r#"{"answer": "a\n\"b\""}"#);
        assert_eq!(completion.text_tokens, 2);
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
