//! Replies as Server-Sent Events.

mod arguments;
mod chat;
mod completions;
mod frame;
mod messages;
mod progress;
mod responses;
mod sequence;
#[cfg(test)]
mod tests;

use runmill_proto::{
    Usage,
    chat::{Delta, ModelAnswer},
};

use self::{messages::Messages, progress::Progress, responses::Responses};
use crate::{
    Endpoint, Refusal, ReplyHead, ReplyOptions,
    reply::{chat::finish_reason as chat_reason, completions::finish_reason as completions_reason, usage},
};

/// A reply as Server-Sent Events. Each method returns the bytes to send next, which may be none.
///
/// A stream ends well only by [`finish`](Self::finish) after [`end`](Self::end) of every choice; a body that ends before
/// must be cut, not closed, or clients take what they have for the answer.
#[derive(Debug)]
pub struct ReplyStream {
    options: ReplyOptions,
    head: ReplyHead,
    protocol: Protocol,
    phase: Phase,
    /// Progress of each choice.
    choices: Vec<Progress>,
    /// Tokens of the choices that have ended.
    usage: Usage,
}

#[derive(Debug)]
enum Protocol {
    Chat,
    Completions,
    Responses(Responses),
    Messages(Messages),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    New,
    Open,
    /// It finished or failed. Nothing more is sent.
    Closed,
}

/// Values that all protocols write.
#[derive(Clone, Copy)]
struct Context<'a> {
    options: &'a ReplyOptions,
    head: &'a ReplyHead,
}

impl ReplyStream {
    pub fn new(options: ReplyOptions, head: ReplyHead) -> Self {
        let protocol = match options.endpoint {
            Endpoint::ChatCompletions => Protocol::Chat,
            Endpoint::Completions => Protocol::Completions,
            Endpoint::Responses => Protocol::Responses(Responses::default()),
            Endpoint::Messages => Protocol::Messages(Messages::default()),
        };
        let choices = (0..options.n).map(|_| Progress::default()).collect();
        Self { options, head, protocol, phase: Phase::New, choices, usage: Usage::default() }
    }

    /// Begins the reply. A second call, and one after another method, sends nothing.
    pub fn start(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.open(&mut out);
        out
    }

    /// Sends the parts of a choice, from 0, that arrived since its last delta. Begins the reply if need be.
    pub fn delta(&mut self, choice: u32, delta: &Delta) -> Vec<u8> {
        let mut out = Vec::new();
        if self.is_under_way(choice) {
            self.open(&mut out);
            self.write(&mut out, choice, delta);
        }
        out
    }

    /// Ends a choice. What the deltas left out of the answer, which may be all of it, is sent first.
    pub fn end(&mut self, choice: u32, answer: &ModelAnswer) -> Vec<u8> {
        let mut out = Vec::new();
        if !self.is_under_way(choice) {
            return out;
        }
        self.open(&mut out);
        let Some(progress) = self.progress_of(choice) else { return out };
        let rest = progress.rest(answer);
        self.write(&mut out, choice, &rest);

        let context = Context { options: &self.options, head: &self.head };
        let usage = usage::of(&self.head, answer);
        let ended = match &mut self.protocol {
            Protocol::Chat => {
                chat::end(&mut out, context, choice, chat_reason(answer));
                Ok(())
            }
            Protocol::Completions => {
                completions::end(&mut out, context, choice, completions_reason(answer));
                Ok(())
            }
            Protocol::Responses(responses) => responses.end(&mut out, context, answer.finish, &usage),
            Protocol::Messages(messages) => messages.end(&mut out, answer, &usage),
        };
        if let Err(refusal) = ended {
            out.extend(self.fail(&refusal));
            return out;
        }
        self.usage += usage;
        if let Some(progress) = self.progress_of(choice) {
            progress.end();
        }
        out
    }

    /// Ends the reply. If a choice has not ended, this is [`fail`](Self::fail).
    pub fn finish(&mut self) -> Vec<u8> {
        if self.phase == Phase::Closed {
            return Vec::new();
        }
        if !self.choices.iter().all(Progress::has_ended) {
            return self.fail(&Refusal::new(500, "The reply ended before its answer."));
        }
        self.phase = Phase::Closed;
        let context = Context { options: &self.options, head: &self.head };
        match self.protocol {
            Protocol::Chat => chat::finish(context, &self.usage),
            Protocol::Completions => completions::finish(context, &self.usage),
            Protocol::Responses(_) | Protocol::Messages(_) => Vec::new(),
        }
    }

    /// Reports an error after the first byte; the caller then closes the body.
    pub fn fail(&mut self, refusal: &Refusal) -> Vec<u8> {
        let mut out = Vec::new();
        if self.phase == Phase::Closed {
            return out;
        }
        self.phase = Phase::Closed;
        match &mut self.protocol {
            Protocol::Chat | Protocol::Completions => {
                frame::data(&mut out, &refusal.body(self.options.endpoint.dialect()));
            }
            Protocol::Responses(responses) => responses.fail(&mut out, refusal),
            Protocol::Messages(_) => {
                frame::event(&mut out, "error", &refusal.body(self.options.endpoint.dialect()));
            }
        }
        out
    }

    /// Returns a comment, which every client ignores, for the time in which a call waits.
    pub const fn comment() -> &'static [u8] {
        b": keepalive\n\n"
    }

    fn is_under_way(&self, choice: u32) -> bool {
        let progress = usize::try_from(choice).ok().and_then(|choice| self.choices.get(choice));
        self.phase != Phase::Closed && progress.is_some_and(|progress| !progress.has_ended())
    }

    fn progress_of(&mut self, choice: u32) -> Option<&mut Progress> {
        self.choices.get_mut(usize::try_from(choice).ok()?)
    }

    fn open(&mut self, out: &mut Vec<u8>) {
        if self.phase != Phase::New {
            return;
        }
        self.phase = Phase::Open;
        let context = Context { options: &self.options, head: &self.head };
        match &mut self.protocol {
            Protocol::Chat => chat::start(out, context),
            Protocol::Completions => {}
            Protocol::Responses(responses) => responses.start(out, context),
            Protocol::Messages(_) => messages::start(out, context),
        }
    }

    fn write(&mut self, out: &mut Vec<u8>, choice: u32, delta: &Delta) {
        if delta.is_empty() {
            return;
        }
        let context = Context { options: &self.options, head: &self.head };
        let Some(progress) = usize::try_from(choice).ok().and_then(|n| self.choices.get_mut(n)) else {
            return;
        };
        match &mut self.protocol {
            Protocol::Chat => chat::delta(out, context, choice, delta, progress),
            Protocol::Completions => completions::delta(out, context, choice, delta, progress),
            Protocol::Responses(responses) => responses.delta(out, context, delta),
            Protocol::Messages(messages) => messages.delta(out, context, delta),
        }
        progress.add(delta);
    }
}
