use runmill_proto::{TokenLogprob, chat::ModelAnswer};

use super::ReplyHead;

/// Part of an answer, for the protocols that have their answers in parts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Block {
    pub kind: BlockKind,
    /// Text, or the arguments of a call.
    pub text: String,
    /// Tokens of a text. Empty if the client did not ask for them.
    pub logprobs: Vec<TokenLogprob>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BlockKind {
    Reasoning,
    Text,
    Refusal,
    Call {
        /// Number of the call in the answer.
        index: u32,
        id: String,
        name: String,
    },
}

impl Block {
    pub const fn new(kind: BlockKind) -> Self {
        Self { kind, text: String::new(), logprobs: Vec::new() }
    }

    fn with_text(kind: BlockKind, text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::new(kind) }
    }
}

/// Returns the parts of an answer, in the order in which clients expect them. There is at least one.
pub(crate) fn of(head: &ReplyHead, answer: &ModelAnswer) -> Vec<Block> {
    let mut blocks = Vec::new();
    if let Some(reasoning) = answer.reasoning.as_deref().filter(|text| !text.is_empty()) {
        blocks.push(Block::with_text(BlockKind::Reasoning, reasoning));
    }
    if !answer.text.is_empty() {
        let logprobs = answer.logprobs.clone().unwrap_or_default();
        blocks.push(Block { logprobs, ..Block::with_text(BlockKind::Text, &answer.text) });
    }
    if let Some(refusal) = answer.refusal.as_deref().filter(|text| !text.is_empty()) {
        blocks.push(Block::with_text(BlockKind::Refusal, refusal));
    }
    for (index, call) in (0..).zip(&answer.tool_calls) {
        let kind = BlockKind::Call { index, id: head.call_id(0, index, &call.id), name: call.name.clone() };
        blocks.push(Block::with_text(kind, &call.arguments));
    }
    if is_silent(&blocks) {
        blocks.push(Block::new(BlockKind::Text));
    }
    blocks
}

/// Returns true if the parts hold no answer. An empty text is then added, because clients read the first one without
/// looking whether there is one.
pub(crate) fn is_silent(blocks: &[Block]) -> bool {
    blocks.iter().all(|block| block.kind == BlockKind::Reasoning)
}
