use std::mem::{replace, take};

use runmill_proto::{
    TokenLogprob,
    chat::{Delta, ToolCallDelta},
};

use super::{
    answers::{AnswerRedactor, outside},
    tail::Tail,
};

/// Removes secrets from an answer whose parts are told as they arrive. The end of a text that may be the beginning of a
/// secret is held back until more of the text, or its end, shows whether it is one.
///
/// The parts that are told add up to the whole answer as [`AnswerRedactor::redact`] leaves it. Where a secret is removed
/// that had begun in its middle, up to three bytes before it may be left.
pub(crate) struct DeltaRedactor<'a> {
    redactor: &'a AnswerRedactor,
    /// Text to which the last part belonged. Only of this one something is held back.
    current: Field,
    tail: Tail,
    /// Tokens that are held back.
    tokens: Vec<TokenLogprob>,
}

/// Text of an answer, in the order in which models write them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Reasoning,
    Text,
    Refusal,
    /// Arguments of the tool call with this number.
    Arguments(u32),
}

impl<'a> DeltaRedactor<'a> {
    pub(super) fn new(redactor: &'a AnswerRedactor) -> Self {
        Self { redactor, current: Field::Reasoning, tail: Tail::default(), tokens: Vec::new() }
    }

    /// Takes the parts that arrived, and tells what is settled, in parts that each belong to one text. Some are empty.
    pub fn push(&mut self, news: Delta, mut tell: impl FnMut(Delta)) {
        let Delta { text, reasoning, refusal, tool_calls, logprobs } = news;
        let mut logprobs = self.settled_tokens(logprobs);
        for (field, part) in [(Field::Reasoning, reasoning), (Field::Text, text), (Field::Refusal, refusal)] {
            if !part.is_empty() {
                tell(self.turn_to(field));
                let logprobs = if field == Field::Text { take(&mut logprobs) } else { Vec::new() };
                tell(Delta { logprobs, ..field.delta(self.tail.push(&part, self.redactor)) });
            }
        }
        for call in tool_calls {
            tell(self.turn_to(Field::Arguments(call.index)));
            tell(self.call(call));
        }
        tell(Delta { logprobs, ..Delta::default() });
    }

    /// Returns what is held back, at the answer's end.
    pub fn rest(&mut self) -> Delta {
        let mut logprobs = take(&mut self.tokens);
        self.redactor.redact_tokens(&mut logprobs);
        Delta { logprobs, ..self.rest_of_text() }
    }

    /// Goes on with another text. Returns what is held back of the one before, which has probably ended.
    fn turn_to(&mut self, field: Field) -> Delta {
        if self.current == field {
            return Delta::default();
        }
        let rest = self.rest_of_text();
        self.current = field;
        rest
    }

    fn rest_of_text(&mut self) -> Delta {
        self.current.delta(take(&mut self.tail).rest(self.redactor))
    }

    /// Returns what is settled of a tool call. Its id and its name are always whole.
    fn call(&mut self, call: ToolCallDelta) -> Delta {
        let ToolCallDelta { index, mut id, mut name, arguments } = call;
        let is_head = arguments.is_empty() || !id.is_empty() || !name.is_empty();
        self.redactor.redact_text(&mut id);
        self.redactor.redact_text(&mut name);
        let arguments = self.tail.push(&arguments, self.redactor);
        let is_told = is_head || !arguments.is_empty();
        let tool_calls = is_told.then_some(ToolCallDelta { index, id, name, arguments });
        Delta { tool_calls: tool_calls.into_iter().collect(), ..Delta::default() }
    }

    /// Returns the tokens that nothing can change that follows.
    fn settled_tokens(&mut self, tokens: Vec<TokenLogprob>) -> Vec<TokenLogprob> {
        if tokens.is_empty() {
            return tokens;
        }
        self.tokens.extend(tokens);
        let text: String = self.tokens.iter().map(|it| it.token.as_str()).collect();
        let runs = self.redactor.find(&text);
        let mut end = self.redactor.settled(&text, &runs);
        // A token is told as a whole, so that more than a secret may be held back.
        let count = loop {
            let (count, start) = self.whole_tokens(end);
            end = outside(start, &runs);
            if end == start {
                break count;
            }
        };
        let held = self.tokens.split_off(count);
        let mut settled = replace(&mut self.tokens, held);
        self.redactor.redact_tokens(&mut settled);
        settled
    }

    /// Returns the number of tokens that end within the first `end` bytes, and where the last of them ends.
    fn whole_tokens(&self, end: usize) -> (usize, usize) {
        let ends = self.tokens.iter().scan(0, |sum, it| {
            *sum += it.token.len();
            Some(*sum)
        });
        ends.take_while(|at| *at <= end).fold((0, 0), |(count, _), at| (count + 1, at))
    }
}

impl Field {
    fn delta(self, part: String) -> Delta {
        let nothing = Delta::default();
        match self {
            Self::Reasoning => Delta { reasoning: part, ..nothing },
            Self::Text => Delta { text: part, ..nothing },
            Self::Refusal => Delta { refusal: part, ..nothing },
            Self::Arguments(_) if part.is_empty() => nothing,
            Self::Arguments(index) => {
                let call = ToolCallDelta { index, arguments: part, ..ToolCallDelta::default() };
                Delta { tool_calls: vec![call], ..nothing }
            }
        }
    }
}
