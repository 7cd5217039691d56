use std::time::Duration;

use runmill_llm::{Invoked, ModelError, Unanswered};
use runmill_proto::{ErrorKind, message::CallFailure};
use tokio::time::Instant;

use crate::environment::{Remedy, Unusable};

/// Shortest and longest wait before a call that is held is tried again. It may be possible earlier than the provider said,
/// so it is never waited for long: attempts wait for the lane, which knows the provider's words, too.
const WAIT_MIN: Duration = Duration::from_millis(250);
const WAIT_MAX: Duration = Duration::from_secs(5);
/// Longest time for which a call is held after its provider was found away. With the time in which the model client waits
/// for the server, it is about half a minute, so that the client can still be told by a status.
const AWAY_MAX: Duration = Duration::from_secs(25);

/// Reason why a call has no answer now.
pub(super) struct Obstacle {
    pub failure: CallFailure,
    /// Time after which the call may be possible. `None` if no waiting cures it.
    pub over_after: Option<Duration>,
    /// True if the provider cannot be reached. Unlike a limit, this may last for long, and nobody says how long.
    pub is_away: bool,
}

/// Time since when the provider of a call cannot be reached.
#[derive(Debug, Default)]
pub(super) struct Absence {
    since: Option<Instant>,
}

impl Absence {
    /// Returns the time for which a call may be held, of `rest`, the time to its deadline.
    ///
    /// * `is_away`: true if the provider is found away, again or for the first time.
    pub fn rest(&mut self, is_away: bool, rest: Duration) -> Duration {
        if !is_away {
            self.since = None;
            return rest;
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        rest.min(AWAY_MAX.saturating_sub(since.elapsed()))
    }
}

impl Obstacle {
    /// Returns the reason why the model client gave no answer.
    pub fn of(unanswered: &Unanswered, invoked: &Invoked) -> Self {
        let error = unanswered.error();
        let is_away = error.is_unsent();
        let over_after = match unanswered {
            // It may be back at any time.
            Unanswered::Deferred { after, .. } if is_away => Some((*after).min(WAIT_MAX)),
            Unanswered::Deferred { after, .. } => Some(*after),
            // Somebody has to repair a key or raise a budget, unless the provider or the budget says when it ends.
            Unanswered::LaneStopped { .. } => stated_wait(error),
            Unanswered::Failed(_) | Unanswered::Interrupted => None,
        };
        let retry_after = over_after.or_else(|| stated_wait(error));
        let is_ours = matches!(error, ModelError::Inexpressible { .. });
        let status = invoked.attempts.last().and_then(|attempt| attempt.status).filter(|_| !is_ours);
        let failure = failure(error.kind(), error.to_string());
        Self {
            failure: CallFailure { status, retry_after_ms: retry_after.map(millis), ..failure },
            over_after,
            is_away,
        }
    }

    pub fn unusable(error: &Unusable) -> Self {
        let over_after = match error.remedy() {
            Remedy::Defer => Some(WAIT_MIN),
            Remedy::PauseRun | Remedy::Fail => None,
        };
        let failure = failure(ErrorKind::ProviderUnavailable, error.to_string());
        Self { failure, over_after, is_away: false }
    }

    /// Returns an obstacle of which nobody says when it is over.
    pub fn for_a_while(failure: CallFailure) -> Self {
        Self { failure, over_after: Some(WAIT_MIN), is_away: false }
    }

    pub const fn for_good(failure: CallFailure) -> Self {
        Self { failure, over_after: None, is_away: false }
    }

    /// Returns the wait before the call is tried again, if that makes sense within `rest`, the time for which it may be held.
    pub fn wait(&self, rest: Duration) -> Option<Duration> {
        let after = self.over_after.filter(|after| *after < rest)?;
        Some(after.clamp(WAIT_MIN, WAIT_MAX).min(rest))
    }
}

pub(super) fn failure(kind: ErrorKind, message: String) -> CallFailure {
    CallFailure { kind, message, status: None, retry_after_ms: None }
}

pub(super) fn run_canceled() -> CallFailure {
    let message = "the run to which the call is charged was canceled: name another (x-runmill-run)";
    failure(ErrorKind::InvalidRequest, message.into())
}

/// Returns the time after which the error itself says that a call is possible again.
fn stated_wait(error: &ModelError) -> Option<Duration> {
    match error {
        ModelError::RateLimited { after, .. }
        | ModelError::Overloaded { after, .. }
        | ModelError::ServerError { after, .. }
        | ModelError::QuotaExhausted { after, .. }
        | ModelError::BudgetUsedUp { after, .. } => *after,
        _ => None,
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use runmill_proto::testing;
    use tokio::time::advance;

    use super::*;

    fn wait(over_after_s: Option<u64>, rest_s: u64) -> Option<Duration> {
        let failure = failure(ErrorKind::RateLimited, String::new());
        let over_after = over_after_s.map(Duration::from_secs);
        Obstacle { failure, over_after, is_away: false }.wait(Duration::from_secs(rest_s))
    }

    fn obstacle(error: ModelError) -> Obstacle {
        let invoked = Invoked {
            attempts: vec![testing::attempt()],
            usage: None,
            started_at: Timestamp::UNIX_EPOCH,
            latency: Duration::ZERO,
            ttft: None,
            failures: 0,
            streamed: false,
            result: Err(Unanswered::Interrupted),
        };
        Obstacle::of(&Unanswered::Deferred { after: Duration::from_secs(40), error }, &invoked)
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_whose_provider_is_away_is_held_for_less_than_half_a_minute() {
        let gone = || ModelError::Unreachable { message: "connection refused".into() };
        let (mut absence, began, deadline) = (Absence::default(), Instant::now(), Duration::from_mins(20));
        let mut passes = 0;
        loop {
            let obstacle = obstacle(gone());
            let Some(wait) = obstacle.wait(absence.rest(obstacle.is_away, deadline)) else { break };
            assert!(wait <= WAIT_MAX);
            // The next pass through the model client, which waits for the server, too.
            advance(wait + Duration::from_secs(5)).await;
            passes += 1;
        }
        assert_eq!((passes, began.elapsed()), (2, Duration::from_secs(20)));
        assert_eq!(obstacle(gone()).failure.kind, ErrorKind::Connection);
    }

    #[tokio::test(start_paused = true)]
    async fn an_absence_begins_anew_after_another_obstacle_and_a_limit_has_no_bound_of_its_own() {
        let deadline = Duration::from_mins(20);
        let slow = || obstacle(ModelError::RateLimited { message: "slow down".into(), after: None });
        let mut absence = Absence::default();
        assert_eq!(absence.rest(true, deadline), AWAY_MAX);
        advance(Duration::from_secs(20)).await;
        assert_eq!(absence.rest(true, deadline), Duration::from_secs(5));
        assert_eq!(absence.rest(true, Duration::from_secs(1)), Duration::from_secs(1));
        assert_eq!(absence.rest(slow().is_away, deadline), deadline);
        assert_eq!(absence.rest(true, deadline), AWAY_MAX);
    }

    #[test]
    fn a_refusal_of_our_own_has_no_status_of_the_provider() {
        let of = |error| obstacle(error).failure;
        let ours = of(ModelError::Inexpressible { message: "no place".into() });
        assert_eq!(
            (ours.kind, ours.status, ours.message.as_str()),
            (ErrorKind::InvalidRequest, None, "no place")
        );
        let theirs = of(ModelError::InvalidRequest { status: 422, message: "no".into() });
        assert_eq!(theirs.status, testing::attempt().status);
        assert!(theirs.status.is_some());
    }

    #[test]
    fn a_call_is_held_if_its_obstacle_ends_before_its_deadline() {
        assert_eq!(wait(Some(0), 600), Some(WAIT_MIN));
        assert_eq!(wait(Some(3), 600), Some(Duration::from_secs(3)));
        assert_eq!(wait(Some(60), 600), Some(WAIT_MAX));
        assert_eq!(wait(Some(60), 60), None);
        assert_eq!(wait(None, 600), None);
    }
}
