use std::time::Duration;

use jiff::Timestamp;
use runmill_pricing::Price;
use runmill_proto::{Usage, message};
use tokio::time::Instant;

use crate::{
    ChatResponse, Invoked, ModelError, Unanswered,
    invoked::milliseconds,
    progress::{Marks, Progress},
};

/// What a call leaves behind. The wall clock is read once; all else is counted from there by the clock that
/// cannot be set.
pub(super) struct Journal {
    opened: Instant,
    opened_at: Timestamp,
    /// When the first attempt began.
    began: Option<Instant>,
    attempts: Vec<message::Attempt>,
    usage: Option<Usage>,
    failures: u32,
    last: Marks,
}

impl Journal {
    pub fn open(now: Timestamp) -> Self {
        let (attempts, usage, last) = (Vec::new(), None, Marks::default());
        Self { opened: Instant::now(), opened_at: now, began: None, attempts, usage, failures: 0, last }
    }

    /// Attempts so far.
    pub fn len(&self) -> usize {
        self.attempts.len()
    }

    /// A moment of the wall clock on the one that cannot be set.
    pub fn moment(&self, wall: Option<Timestamp>) -> Option<Instant> {
        let since = wall?.duration_since(self.opened_at);
        Some(self.opened + Duration::try_from(since).unwrap_or(Duration::ZERO))
    }

    /// How many attempts have failed so far, those before this call included.
    pub const fn failures(&mut self, failures: u32) {
        self.failures = failures;
    }

    /// Writes down how an attempt ended, unless it ended before a request was made.
    pub fn record(
        &mut self,
        progress: &Progress,
        answer: &Result<ChatResponse, ModelError>,
        price: Option<&Price>,
    ) {
        let marks = progress.marks();
        // Without a request there is nothing to count: no slot came, or the protocol cannot say what is asked.
        let (Some(began), Some(_sent)) = (marks.began, marks.sent) else { return };
        let usage = answer.as_ref().ok().and_then(|answer| answer.usage).or(marks.usage);
        if let Some(usage) = usage {
            *self.usage.get_or_insert_default() += usage;
        }
        let cost_nanousd = price.zip(usage.as_ref()).map(|(price, usage)| price.cost(usage));
        self.attempts.push(message::Attempt {
            started_at: self.wall(began),
            latency_ms: milliseconds(began.elapsed()),
            status: marks.status,
            error_kind: answer.as_ref().err().map(ModelError::kind),
            error: answer.as_ref().err().map(ToString::to_string),
            usage,
            cost_nanousd,
            key: marks.key.as_deref().map(str::to_owned),
        });
        self.began.get_or_insert(began);
        self.last = marks;
    }

    pub fn close(self, result: Result<ChatResponse, Unanswered>) -> Invoked {
        let began = self.began.unwrap_or_else(Instant::now);
        let answered = result.is_ok();
        Invoked {
            started_at: self.wall(began),
            latency: began.elapsed(),
            ttft: answered.then(|| ttft(&self.last)).flatten(),
            streamed: answered && self.last.streamed,
            attempts: self.attempts,
            usage: self.usage,
            failures: self.failures,
            result,
        }
    }

    fn wall(&self, moment: Instant) -> Timestamp {
        // Saturates at the end of time, which a clock that was set that far has reached anyway.
        self.opened_at.checked_add(moment.duration_since(self.opened)).unwrap_or(Timestamp::MAX)
    }
}

fn ttft(marks: &Marks) -> Option<Duration> {
    Some(marks.token?.duration_since(marks.began?)).filter(|_| marks.streamed)
}
