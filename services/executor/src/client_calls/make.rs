use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use runmill_llm::{ChatResponse, Invoked, Unanswered};
use runmill_proto::message::CallFailure;
use tokio::time::sleep;

use super::{
    ClientCalls, Making,
    obstacle::{Absence, Obstacle},
};

/// Wait before a call is handed back that may come here again.
const HANDED_BACK_AFTER: Duration = Duration::from_secs(1);

/// A call that has ended, with all that was done for it.
pub(super) struct Made {
    /// `None` if the model client was not asked.
    pub invoked: Option<Invoked>,
    /// Names of the request's parameters that had no effect at the provider.
    pub left_out: Vec<&'static str>,
    pub end: End,
}

impl Made {
    pub const fn without_call(end: End) -> Self {
        Self { invoked: None, left_out: Vec::new(), end }
    }
}

/// End of a call.
pub(super) enum End {
    Answered(Box<ChatResponse>),
    Failed(CallFailure),
    /// The client no longer waits.
    HungUp,
    /// The call was interrupted, and another executor can make it.
    Interrupted,
}

impl ClientCalls {
    /// Makes the call. One that is not possible now is held, and tried again until its deadline, or for a short time if its
    /// provider cannot be reached.
    pub(super) async fn make(&self, making: &Making<'_>) -> Made {
        let (mut invoked, mut left_out): (Option<Invoked>, _) = (None, Vec::new());
        let mut absence = Absence::default();
        loop {
            let failed_before = invoked.as_ref().map_or(0, |invoked| invoked.failures);
            let obstacle = match self.pass(making, failed_before).await {
                Err(obstacle) => obstacle,
                Ok(pass) => {
                    left_out = pass.left_out;
                    let whole = joined(invoked.take(), pass.invoked);
                    let end = match &whole.result {
                        Ok(response) => Ok(End::Answered(Box::new(response.clone()))),
                        Err(Unanswered::Interrupted) => Ok(End::Interrupted),
                        Err(unanswered) => Err(Obstacle::of(unanswered, &whole)),
                    };
                    invoked = Some(whole);
                    match end {
                        Ok(End::Interrupted) if !making.must_end() => {
                            // The process was frozen, or the provider is gone. Others may have the call by now, or it
                            // comes again, and not at once.
                            hold(making, HANDED_BACK_AFTER).await;
                            return Made { invoked, left_out, end: End::Interrupted };
                        }
                        Ok(end) => return Made { invoked, left_out, end },
                        Err(obstacle) => obstacle,
                    }
                }
            };
            let rest = absence.rest(obstacle.is_away, self.rest(making.call.deadline));
            // The client has a part of the answer, which cannot be taken back, so the answer does not begin again.
            let wait = obstacle.wait(rest).filter(|_| !making.events.has_begun());
            let Some(wait) = wait else {
                return Made { invoked, left_out, end: End::Failed(obstacle.failure) };
            };
            tracing::debug!(event = "executor.call_held", reason = %obstacle.failure.message, ?wait);
            hold(making, wait).await;
            if making.must_end() {
                return Made { invoked, left_out, end: End::Interrupted };
            }
            making.events.sign().await;
        }
    }

    fn rest(&self, deadline: Timestamp) -> Duration {
        let rest: SignedDuration = deadline.duration_since(self.environment.clock.now());
        Duration::try_from(rest).unwrap_or_default()
    }
}

/// Waits, but not longer than the call may go on.
async fn hold(making: &Making<'_>, wait: Duration) {
    tokio::select! {
        () = making.in_hand.hang_up.at_once.cancelled() => {}
        () = making.stop.cancelled() => {}
        () = sleep(wait) => {}
    }
}

/// Adds a pass through the model client to those before it.
fn joined(before: Option<Invoked>, pass: Invoked) -> Invoked {
    let Some(mut before) = before.filter(|before| !before.attempts.is_empty()) else { return pass };
    let gap = Duration::try_from(pass.started_at.duration_since(before.started_at)).unwrap_or_default();
    before.attempts.extend(pass.attempts);
    let usage = match (before.usage, pass.usage) {
        (Some(mut sum), Some(usage)) => {
            sum += usage;
            Some(sum)
        }
        (before, usage) => before.or(usage),
    };
    Invoked {
        attempts: before.attempts,
        usage,
        started_at: before.started_at,
        latency: gap + pass.latency,
        ..pass
    }
}

#[cfg(test)]
mod tests {
    use runmill_proto::{Usage, testing};

    use super::*;

    fn pass(started_at_s: i64, completion_tokens: u64) -> Invoked {
        Invoked {
            attempts: vec![testing::attempt()],
            usage: Some(Usage { completion_tokens, ..Usage::default() }),
            started_at: Timestamp::from_second(started_at_s).unwrap(),
            latency: Duration::from_secs(2),
            ttft: None,
            failures: 1,
            streamed: false,
            result: Err(Unanswered::Interrupted),
        }
    }

    #[test]
    fn the_record_of_a_call_has_all_that_was_done_for_it() {
        let sum = joined(Some(pass(10, 3)), pass(15, 4));

        assert_eq!((sum.attempts.len(), sum.started_at.as_second()), (2, 10));
        assert_eq!((sum.latency, sum.usage.unwrap().completion_tokens), (Duration::from_secs(7), 7));
        let empty = Invoked { attempts: Vec::new(), ..pass(1, 0) };
        assert_eq!(joined(Some(empty), pass(15, 4)), pass(15, 4));
    }
}
