use runmill_proto::chat::Delta;

use crate::{
    ChatResponse, DeltaSink,
    layer::Context,
    protocol::AnswerStream,
    redact::{DeltaRedactor, Redactor},
    tracker::AttemptTracker,
};

/// Tells a sink the parts of one answer, without secrets.
pub(super) struct Teller<'a> {
    sink: &'a dyn DeltaSink,
    tracker: &'a AttemptTracker,
    redactor: DeltaRedactor<'a>,
    /// Last part, which is told once the answer is found to be whole.
    last: Delta,
}

impl<'a> Teller<'a> {
    /// Returns `None` if nobody waits for the parts.
    pub fn of(cx: Context<'a>, redactor: &'a Redactor) -> Option<Self> {
        let (tracker, redactor) = (cx.tracker, redactor.deltas());
        cx.sink.map(|sink| Self { sink, tracker, redactor, last: Delta::default() })
    }

    /// Tells what has arrived of a stream that goes on.
    pub fn tell(&mut self, stream: &mut AnswerStream) {
        self.push(stream.news());
    }

    /// Keeps the last part of a stream.
    pub fn keep_last(&mut self, stream: &mut AnswerStream) {
        self.last = stream.news();
    }

    /// Keeps an answer that arrived in one piece.
    pub fn keep_whole(&mut self, answer: &ChatResponse) {
        self.last = answer.into();
    }

    /// Tells the last part, and what was held back.
    pub fn finish(mut self) {
        let last = std::mem::take(&mut self.last);
        self.push(last);
        let rest = self.redactor.rest();
        send(self.sink, self.tracker, rest);
    }

    fn push(&mut self, news: Delta) {
        let (sink, tracker) = (self.sink, self.tracker);
        self.redactor.push(news, |delta| send(sink, tracker, delta));
    }
}

fn send(sink: &dyn DeltaSink, tracker: &AttemptTracker, delta: Delta) {
    if !delta.is_empty() {
        tracker.delivered();
        sink.delta(delta);
    }
}
