use std::time::Duration;

use jiff::Timestamp;
use runmill_pricing::{Price, Seller};
use runmill_proto::{Usage, message};
use tokio::time::Instant;

use super::cost;
use crate::{
    ChatResponse, Invoked, Metered, ModelError, Unanswered,
    invoked::milliseconds,
    tracker::{AttemptState, AttemptTracker},
};

/// Record of a call's attempts, from which its [`Invoked`] is made.
///
/// The wall clock is read once, when the call starts; all later times are that reading plus the time that the
/// monotonic clock has measured since.
pub(super) struct AttemptLog {
    call_started: Instant,
    call_started_at: Timestamp,
    /// Start of the first attempt that reached the provider.
    began: Option<Instant>,
    attempts: Vec<message::Attempt>,
    usage: Option<Usage>,
    failures: u32,
    /// State of the last recorded attempt.
    last: AttemptState,
}

impl AttemptLog {
    pub fn start(now: Timestamp) -> Self {
        Self {
            call_started: Instant::now(),
            call_started_at: now,
            began: None,
            attempts: Vec::new(),
            usage: None,
            failures: 0,
            last: AttemptState::default(),
        }
    }

    /// Returns the number of attempts so far.
    pub fn len(&self) -> usize {
        self.attempts.len()
    }

    /// Returns the record of the attempt of this number, counted from 0, if it has one.
    pub fn attempt(&self, number: usize) -> Option<&message::Attempt> {
        self.attempts.get(number)
    }

    /// Converts a time of the wall clock to the monotonic clock.
    pub fn instant(&self, wall: Option<Timestamp>) -> Option<Instant> {
        let since = wall?.duration_since(self.call_started_at);
        Some(self.call_started + Duration::try_from(since).unwrap_or(Duration::ZERO))
    }

    /// Sets the number of failed attempts so far, including those before this call.
    pub const fn set_failures(&mut self, failures: u32) {
        self.failures = failures;
    }

    /// Records the end of an attempt. An attempt that ended before a request was sent, because it got no slot or the
    /// protocol cannot express the request, is not recorded.
    pub fn record(
        &mut self,
        tracker: &AttemptTracker,
        answer: &Result<ChatResponse, ModelError>,
        price: Option<&Price>,
    ) {
        let state = tracker.state();
        let (Some(began), Some(_sent)) = (state.began, state.sent) else { return };
        let Metered { usage, billing } = match answer {
            Ok(answer) => answer.metered(),
            Err(_) => state.usage,
        };
        if let Some(usage) = usage {
            *self.usage.get_or_insert_default() += usage;
        }
        let unsent = answer.as_ref().err().is_some_and(ModelError::is_unsent);
        let place = state.seller.map(Seller::place).unwrap_or_default();
        let cost = cost::of(usage.as_ref(), billing, place, self.wall(Instant::now()), price);
        self.attempts.push(message::Attempt {
            started_at: self.wall(began),
            latency_ms: milliseconds(began.elapsed()),
            status: state.status,
            error_kind: answer.as_ref().err().map(ModelError::kind),
            error: answer.as_ref().err().map(ToString::to_string),
            usage,
            cost_nanousd: cost.nanousd,
            cost_unknown: cost.unknown,
            key: state.key.as_deref().map(str::to_owned),
            unsent,
        });
        if !unsent {
            self.began.get_or_insert(began);
        }
        self.last = state;
    }

    /// Ends the call with `result`.
    pub fn finish(self, result: Result<ChatResponse, Unanswered>) -> Invoked {
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

    fn wall(&self, instant: Instant) -> Timestamp {
        // Saturates, because the clock may be set so far ahead that the sum is out of range.
        let since = instant.duration_since(self.call_started);
        self.call_started_at.checked_add(since).unwrap_or(Timestamp::MAX)
    }
}

/// Returns the time to the first token, or `None` for a buffered answer.
fn ttft(state: &AttemptState) -> Option<Duration> {
    Some(state.first_token?.duration_since(state.began?)).filter(|_| state.streamed)
}
