use std::collections::VecDeque;

use runmill_proto::{
    TokenLogprob,
    chat::{Delta, ToolCallDelta},
};

use super::arguments::Arguments;
use crate::{
    Refusal, ReplyHead,
    reply::block::{Block, BlockKind, is_silent},
};

/// The parts of an answer, one after the other, for the protocols in which each part begins and ends.
///
/// Providers may send the parts of several calls in turn. What comes after a call whose arguments are not whole is held
/// back until they are, or until the answer ends.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    blocks: Vec<Block>,
    /// True if the last block has not ended.
    is_open: bool,
    /// Arguments of the last block, if it is a call.
    arguments: Arguments,
    /// Blocks that follow the last one, as far as they have arrived. Together they are no larger than the answer.
    held: VecDeque<Block>,
    /// True if a part came for a call that had ended, so that it could not be sent.
    is_mixed: bool,
}

/// Change of a block.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step<'a> {
    Open,
    Piece(&'a str, &'a [TokenLogprob]),
    Close,
}

impl Sequence {
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Adds a delta. `emit` is told each step, with the block and its position.
    pub fn add(&mut self, head: &ReplyHead, delta: &Delta, emit: &mut impl FnMut(usize, &Block, Step<'_>)) {
        let texts = [
            (BlockKind::Reasoning, &delta.reasoning, &[][..]),
            (BlockKind::Text, &delta.text, &delta.logprobs[..]),
            (BlockKind::Refusal, &delta.refusal, &[][..]),
        ];
        for (kind, text, logprobs) in texts {
            if !text.is_empty() {
                self.text(kind, text, logprobs, emit);
            }
        }
        for part in &delta.tool_calls {
            self.call(head, part, emit);
        }
    }

    /// Ends the last block. Returns an error if a part was not sent.
    pub fn close(&mut self, emit: &mut impl FnMut(usize, &Block, Step<'_>)) -> Result<(), Refusal> {
        while let Some(block) = self.held.pop_front() {
            self.send(block, emit);
        }
        if self.is_mixed {
            return Err(Refusal::new(
                502,
                "The provider added to the arguments of a tool call that had ended, which cannot be streamed.",
            ));
        }
        if is_silent(&self.blocks) {
            self.open(BlockKind::Text, emit);
        }
        self.close_last(emit);
        Ok(())
    }

    fn call(
        &mut self,
        head: &ReplyHead,
        part: &ToolCallDelta,
        emit: &mut impl FnMut(usize, &Block, Step<'_>),
    ) {
        let is_it =
            |block: &Block| matches!(block.kind, BlockKind::Call { index, .. } if index == part.index);
        if self.is_open && self.blocks.last().is_some_and(is_it) {
            self.extend(&part.arguments, &[], emit);
            return self.release(emit);
        }
        if self.blocks.iter().any(is_it) {
            self.is_mixed |= !part.arguments.trim().is_empty();
            return;
        }
        if let Some(block) = self.held.iter_mut().find(|block| is_it(block)) {
            block.text.push_str(&part.arguments);
            return;
        }
        let id = head.call_id(0, part.index, &part.id);
        let kind = BlockKind::Call { index: part.index, id, name: part.name.clone() };
        self.begin(Block { text: part.arguments.clone(), ..Block::new(kind) }, emit);
    }

    fn text(
        &mut self,
        kind: BlockKind,
        text: &str,
        logprobs: &[TokenLogprob],
        emit: &mut impl FnMut(usize, &Block, Step<'_>),
    ) {
        if let Some(block) = self.held.back_mut().filter(|block| block.kind == kind) {
            block.text.push_str(text);
            block.logprobs.extend_from_slice(logprobs);
        } else if self.held.is_empty()
            && self.is_open
            && self.blocks.last().is_some_and(|block| block.kind == kind)
        {
            self.extend(text, logprobs, emit);
        } else {
            let block = Block { text: text.to_owned(), logprobs: logprobs.to_vec(), ..Block::new(kind) };
            self.begin(block, emit);
        }
    }

    /// Sends the beginning of a block, or holds it back.
    fn begin(&mut self, block: Block, emit: &mut impl FnMut(usize, &Block, Step<'_>)) {
        if self.must_wait() {
            self.held.push_back(block);
        } else {
            self.send(block, emit);
        }
    }

    /// Sends the blocks that need to wait no longer.
    fn release(&mut self, emit: &mut impl FnMut(usize, &Block, Step<'_>)) {
        while !self.must_wait()
            && let Some(block) = self.held.pop_front()
        {
            self.send(block, emit);
        }
    }

    /// Returns true if the last block is a call that goes on.
    fn must_wait(&self) -> bool {
        let last = self.blocks.last().filter(|_| self.is_open);
        last.is_some_and(|block| matches!(block.kind, BlockKind::Call { .. })) && !self.arguments.are_whole()
    }

    /// Sends a block with what has arrived of it.
    fn send(&mut self, block: Block, emit: &mut impl FnMut(usize, &Block, Step<'_>)) {
        self.open(block.kind, emit);
        self.extend(&block.text, &block.logprobs, emit);
    }

    fn open(&mut self, kind: BlockKind, emit: &mut impl FnMut(usize, &Block, Step<'_>)) {
        self.close_last(emit);
        let block = Block::new(kind);
        emit(self.blocks.len(), &block, Step::Open);
        self.blocks.push(block);
        self.is_open = true;
        self.arguments = Arguments::default();
    }

    fn extend(
        &mut self,
        text: &str,
        logprobs: &[TokenLogprob],
        emit: &mut impl FnMut(usize, &Block, Step<'_>),
    ) {
        let position = self.blocks.len().saturating_sub(1);
        let Some(block) = self.blocks.last_mut().filter(|_| !text.is_empty()) else { return };
        if matches!(block.kind, BlockKind::Call { .. }) {
            self.arguments.add(text);
        }
        block.text.push_str(text);
        block.logprobs.extend_from_slice(logprobs);
        emit(position, block, Step::Piece(text, logprobs));
    }

    fn close_last(&mut self, emit: &mut impl FnMut(usize, &Block, Step<'_>)) {
        if let Some(block) = self.blocks.last().filter(|_| self.is_open) {
            emit(self.blocks.len() - 1, block, Step::Close);
        }
        self.is_open = false;
    }
}
