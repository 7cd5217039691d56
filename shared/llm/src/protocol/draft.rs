mod news;

use runmill_proto::{Note, Remarks, TokenLogprob, ToolCall, Usage, chat::Delta};

use self::news::Told;
use crate::{ChatResponse, Finish, Metered, ModelError};

/// Largest sum of all parts of one answer. A larger answer is an error of the server, and would fill the memory.
const ANSWER_MAX_BYTES: usize = 32 * 1024 * 1024;

/// Maximum numbers of tool calls, and of tokens with log probabilities, of one answer, for the same reason.
const TOOL_CALLS_MAX: usize = 1_000;
const LOGPROBS_MAX: usize = 1_000_000;

/// Longest name of a model that is kept.
const NAME_MAX_CHARS: usize = 256;

/// An answer that is built from the pieces in which it arrives.
#[derive(Default)]
pub(super) struct Draft {
    text: String,
    reasoning: String,
    refusal: String,
    tools: Vec<(u64, ToolCall)>,
    logprobs: Vec<TokenLogprob>,
    /// Name that the answer gives to its model.
    answered_by: Option<String>,
    /// Parts that were told, if somebody wants them as they arrive.
    told: Option<Told>,
    /// News of an answer that is complete.
    last: Delta,
}

impl Draft {
    /// Adds a part to the answer's text. Returns false if `part` is empty, as do the next two methods.
    pub fn text(&mut self, part: &str) -> bool {
        push(&mut self.text, part)
    }

    pub fn reasoning(&mut self, part: &str) -> bool {
        push(&mut self.reasoning, part)
    }

    pub fn refusal(&mut self, part: &str) -> bool {
        push(&mut self.refusal, part)
    }

    /// Returns the tool call with this number in the answer. If there is none, adds one.
    pub fn tool(&mut self, number: u64) -> &mut ToolCall {
        self.tool_where(number, |known, _| known == number)
    }

    /// Returns the tool call to which a part belongs, with the part's id and name. Absent texts are empty. A new id
    /// starts a new call, whatever its number. Without a number and an id, a name starts a new call.
    pub fn tool_of(&mut self, number: Option<u64>, id: &str, name: &str) -> &mut ToolCall {
        let next = self.tools.len() as u64;
        let call = match number {
            Some(number) => self.tool_where(number, |known, call| {
                known == number && (id.is_empty() || call.id.is_empty() || call.id == id)
            }),
            None if !id.is_empty() => self.tool_where(next, |_, call| call.id == id),
            None => self.tool_where(next, |_, _| name.is_empty()),
        };
        // Some servers repeat both in every part, so they are not appended.
        for (whole, told) in [(&mut call.id, id), (&mut call.name, name)] {
            if !told.is_empty() {
                told.clone_into(whole);
            }
        }
        call
    }

    /// Returns the last tool call for which `is_it` holds, or a new one with this number.
    fn tool_where(&mut self, number: u64, is_it: impl Fn(u64, &ToolCall) -> bool) -> &mut ToolCall {
        let count = self.tools.len();
        // If there are too many calls, which is an error, the search is skipped, because it would take too long.
        let place = (count > TOOL_CALLS_MAX).then(|| count - 1);
        let place = place.or_else(|| self.tools.iter().rposition(|(known, call)| is_it(*known, call)));
        let place = place.unwrap_or_else(|| {
            self.tools.push((number, ToolCall::default()));
            count
        });
        &mut self.tools[place].1
    }

    pub fn logprobs(&mut self, tokens: impl IntoIterator<Item = TokenLogprob>) {
        self.logprobs.extend(tokens);
    }

    /// Sets the name that the answer gives to its model, unless it is set or `name` is empty.
    pub fn answered_by(&mut self, name: &str) {
        if self.answered_by.is_none() && !name.is_empty() {
            self.answered_by = Some(name.chars().take(NAME_MAX_CHARS).collect());
        }
    }

    /// Sets the arguments of calls without any to an empty object.
    pub fn fill_arguments(&mut self) {
        for (_, call) in self.tools.iter_mut().filter(|(_, call)| call.arguments.is_empty()) {
            call.arguments.push_str("{}");
        }
    }

    /// Returns the parts that arrived since the last call, also after [`Self::complete`]. They are followed from the first
    /// call on.
    pub fn news(&mut self) -> Delta {
        let mut told = self.told.take().unwrap_or_default();
        let mut news = std::mem::take(&mut self.last);
        news.append(told.news(self, false));
        self.told = Some(told);
        news
    }

    /// Returns an error if the answer is too large. Must be called after each event, and once for a buffered answer.
    pub fn check(&self) -> Result<(), ModelError> {
        let calls = self.tools.iter().map(|(_, call)| call.id.len() + call.name.len() + call.arguments.len());
        let bytes = self.text.len() + self.reasoning.len() + self.refusal.len() + calls.sum::<usize>();
        let fits = bytes <= ANSWER_MAX_BYTES
            && self.tools.len() <= TOOL_CALLS_MAX
            && self.logprobs.len() <= LOGPROBS_MAX;
        let message = || {
            format!(
                "it has more than {ANSWER_MAX_BYTES} bytes, {TOOL_CALLS_MAX} tool calls \
                 or {LOGPROBS_MAX} log probabilities"
            )
        };
        if fits { Ok(()) } else { Err(ModelError::Malformed { message: message() }) }
    }

    /// Returns the whole answer, and leaves the draft empty. An empty answer of a model that stopped is an error.
    pub fn complete(&mut self, finish: Finish, usage: Metered) -> Result<ChatResponse, ModelError> {
        let last = self.told.take().map(|mut told| told.news(self, true)).unwrap_or_default();
        let whole = std::mem::replace(self, Self { last, ..Self::default() });
        let Self { text, reasoning, refusal, mut tools, logprobs, answered_by, .. } = whole;
        // The sort is stable: calls with the same number stay in the order in which they arrived.
        tools.sort_by_key(|(number, _)| *number);
        let has_answer = !(text.is_empty() && reasoning.is_empty() && refusal.is_empty() && tools.is_empty());
        let Metered { usage, billing } = usage;
        let usage = usage.filter(|usage| usage.completion_tokens > 0 || !has_answer);
        let notes = note(usage, billing.unreadable, has_answer).into_iter().collect();
        let answer = ChatResponse {
            text,
            reasoning: some(reasoning),
            refusal: some(refusal),
            tool_calls: tools.into_iter().map(|(_, call)| call).collect(),
            logprobs: Some(logprobs).filter(|tokens| !tokens.is_empty()),
            finish,
            usage,
            billing,
            remarks: Remarks { answered_by, notes, ..Remarks::default() },
        };
        answer.unless_empty()
    }

    /// Like [`Self::complete`], for a stream that ended without its terminator.
    pub fn complete_without_mark(
        &mut self,
        finish: Finish,
        usage: Metered,
    ) -> Result<ChatResponse, ModelError> {
        let mut answer = self.complete(finish, usage)?;
        answer.remarks.notes.push(Note::NoEndMark);
        Ok(answer)
    }
}

/// Returns what the usage of an answer lacks. An answer of which no token was counted has no usage.
fn note(usage: Option<Usage>, unreadable: bool, has_answer: bool) -> Option<Note> {
    if unreadable {
        return Some(Note::UsageUnreadable);
    }
    (usage.is_none() && has_answer).then_some(Note::UsageNotTold)
}

fn push(whole: &mut String, part: &str) -> bool {
    whole.push_str(part);
    !part.is_empty()
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_add_up_and_tool_calls_are_in_their_order() {
        let mut draft = Draft::default();
        assert!(draft.text("a") && draft.text("b") && !draft.text(""));
        draft.tool(1).name = "second".into();
        draft.tool(0).name = "first".into();
        draft.tool(1).arguments.push_str("{}");

        let answer = draft.complete(Finish::ToolCalls, Metered::default()).unwrap();

        let calls: Vec<_> =
            answer.tool_calls.iter().map(|c| (c.name.as_str(), c.arguments.as_str())).collect();
        assert_eq!(calls, [("first", ""), ("second", "{}")]);
        assert_eq!((answer.text.as_str(), answer.reasoning, answer.logprobs), ("ab", None, None));
    }

    #[test]
    fn a_name_and_an_id_that_come_again_are_not_appended() {
        let mut draft = Draft::default();
        for (id, name) in [("t1", "add"), ("t1", "add"), ("", "")] {
            draft.tool_of(Some(0), id, name).arguments.push('1');
        }

        let call = draft.complete(Finish::ToolCalls, Metered::default()).unwrap().tool_calls.remove(0);

        assert_eq!((call.id.as_str(), call.name.as_str(), call.arguments.as_str()), ("t1", "add", "111"));
    }

    #[test]
    fn an_answer_without_end_is_an_error() {
        let mut draft = Draft::default();
        draft.text(&"x".repeat(ANSWER_MAX_BYTES));
        assert!(draft.check().is_ok());
        draft.reasoning("x");
        assert!(draft.check().is_err());

        let mut draft = Draft::default();
        draft.tool(0).name = "f".repeat(ANSWER_MAX_BYTES + 1);
        assert!(draft.check().is_err());
    }

    #[test]
    fn a_flood_of_tool_calls_is_an_error_and_not_kept() {
        let mut draft = Draft::default();
        for number in 0..TOOL_CALLS_MAX as u64 {
            draft.tool(number);
        }
        assert!(draft.check().is_ok());

        for number in 0..100_000 {
            draft.tool(number);
        }
        assert!(draft.check().is_err());
        assert_eq!(draft.tools.len(), TOOL_CALLS_MAX + 1);
    }
}
