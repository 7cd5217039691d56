use runmill_proto::chat::{Delta, ToolCallDelta};

use super::Draft;

/// Lengths of an answer's parts that were told already.
#[derive(Default)]
pub(super) struct Told {
    text: usize,
    reasoning: usize,
    refusal: usize,
    /// Tool calls in the order in which they arrived.
    tools: Vec<ToldTool>,
    logprobs: usize,
}

#[derive(Default)]
struct ToldTool {
    /// True if the call's id and name were told.
    has_head: bool,
    arguments: usize,
}

impl Told {
    /// Returns the parts of the answer that were not told yet.
    ///
    /// * `is_whole`: true if nothing more arrives, so that a tool call has no other name.
    pub fn news(&mut self, draft: &Draft, is_whole: bool) -> Delta {
        let logprobs = draft.logprobs.get(self.logprobs..).unwrap_or_default().to_vec();
        self.logprobs = draft.logprobs.len();
        Delta {
            text: rest(&draft.text, &mut self.text),
            reasoning: rest(&draft.reasoning, &mut self.reasoning),
            refusal: rest(&draft.refusal, &mut self.refusal),
            tool_calls: self.tools(draft, is_whole),
            logprobs,
        }
    }

    fn tools(&mut self, draft: &Draft, is_whole: bool) -> Vec<ToolCallDelta> {
        self.tools.resize_with(draft.tools.len(), ToldTool::default);
        let calls = (0..).zip(&draft.tools).zip(&mut self.tools);
        calls
            .filter_map(|((index, (_, call)), told)| {
                // The name of a call may arrive after its id.
                if !told.has_head && call.name.is_empty() && !is_whole {
                    return None;
                }
                let has_head = std::mem::replace(&mut told.has_head, true);
                let head = |text: &String| if has_head { String::new() } else { text.clone() };
                let arguments = rest(&call.arguments, &mut told.arguments);
                let (id, name) = (head(&call.id), head(&call.name));
                (!has_head || !arguments.is_empty()).then_some(ToolCallDelta { index, id, name, arguments })
            })
            .collect()
    }
}

/// Returns the part of `text` behind its first `told` bytes, which is told then. A text that a server has replaced by a
/// shorter one has none.
fn rest(text: &str, told: &mut usize) -> String {
    let rest = text.get(*told..).unwrap_or_default().to_owned();
    *told = text.len();
    rest
}
