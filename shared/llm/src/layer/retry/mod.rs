mod attempt_log;
mod backoff;
mod budget;
mod cost;
mod decision;
mod server_wait;

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};
use tracing::{Instrument, Span, field::Empty};

use runmill_clock::Clock;
use runmill_pricing::PriceTable;
use runmill_quota::RetryBudget;

use self::{
    attempt_log::AttemptLog,
    decision::{Decision, RetryState},
};
use super::{AttemptLayer, CallLayer, Context};
use crate::{
    ChatRequest, ChatResponse, DeltaSink, Interrupts, Invoked, ModelError, PolicySource, Random, Unanswered,
    interrupts::Stage,
    keys::Refusals,
    tracker::{AttemptState, AttemptTracker},
};

/// Makes attempts until there is an answer, or a reason to stop.
pub(crate) struct Retry<A> {
    pub inner: A,
    pub clock: Clock,
    pub random: Random,
    /// Retry budget, shared by all calls to the provider.
    pub budget: RetryBudget,
    pub prices: Arc<PriceTable>,
}

impl<A: AttemptLayer> CallLayer for Retry<A> {
    async fn invoke(
        &self,
        request: &ChatRequest,
        policies: &dyn PolicySource,
        interrupts: &Interrupts,
        sink: Option<&dyn DeltaSink>,
    ) -> Invoked {
        let mut log = AttemptLog::start(self.clock.now());
        let result = self.settle(request, policies, interrupts, sink, &mut log).await;
        log.finish(result)
    }
}

impl<A: AttemptLayer> Retry<A> {
    async fn settle(
        &self,
        request: &ChatRequest,
        policies: &dyn PolicySource,
        interrupts: &Interrupts,
        sink: Option<&dyn DeltaSink>,
        log: &mut AttemptLog,
    ) -> Result<ChatResponse, Unanswered> {
        let mut policy = policies.policy();
        let mut state = RetryState::new(&self.budget, policy.failed_before);
        // Only the first attempt of a job earns a share of a retry, not the attempts after it was fed again.
        if policy.failed_before == 0 {
            self.budget.deposit(policy.budget_percent);
        }
        let refusals = Refusals::default();
        let mut last = None;
        loop {
            let tracker = AttemptTracker::default();
            let (number, form, deadline) = (log.len(), request.form, log.instant(policy.deadline));
            let cx = Context {
                request,
                policies,
                number,
                form,
                deadline,
                tracker: &tracker,
                refusals: &refusals,
                admitted: None,
                sink,
                key: None,
            };
            let phase = || match tracker.state().began {
                Some(_) => Stage::InFlight,
                None if number > 0 => Stage::BetweenAttempts,
                None => Stage::Unstarted,
            };
            let span = tracing::info_span!(
                target: "trace",
                "model.attempt",
                attempt = number,
                status = Empty,
                error_kind = Empty,
            );
            let mut reservation = None;
            let refused = last.as_ref().filter(|error| matches!(error, ModelError::RateLimited { .. }));
            let made = {
                // It is pinned here, so that the futures around it do not have room for it, too.
                let attempt = std::pin::pin!(async {
                    reservation = budget::reserve(cx).await?;
                    self.inner.attempt(cx).instrument(span.clone()).await
                });
                let attempt = in_turn(attempt, refused.map(|_| policy.wait_max), &tracker);
                interrupts.run(attempt, phase).await
            };
            let answer = match (made, refused) {
                (Some(Some(answer)), _) => answer,
                (Some(None), Some(error)) => {
                    if let Some(reservation) = reservation {
                        budget::settle(reservation, None, &tracker);
                    }
                    return Err(Unanswered::Deferred { after: policy.backoff_base, error: error.clone() });
                }
                (None | Some(None), _) => Err(ModelError::Interrupted),
            };
            record_on(&span, &tracker, &answer);
            let seller = tracker.state().seller;
            let price = seller.and_then(|seller| self.prices.price(seller, &request.model));
            log.record(&tracker, &answer, price);
            if let Some(reservation) = reservation {
                budget::settle(reservation, log.attempt(number), &tracker);
            }
            let error = match answer {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            let AttemptState { availability, delivered, .. } = tracker.state();
            let decision = if delivered {
                state.cut(error.advice())
            } else {
                state.decide(&policy, error.advice(), availability, (self.random)())
            };
            log.set_failures(state.failures());
            match decision {
                Decision::Wait(wait) => {
                    let waiting = wait_to_retry(wait, number, &error, deadline);
                    let waited = interrupts.run(waiting, || Stage::BetweenAttempts).await;
                    waited.unwrap_or(Err(Unanswered::Interrupted))?;
                    last = Some(error);
                }
                Decision::Defer(after) => return Err(Unanswered::Deferred { after, error }),
                // A deadline that passes while an attempt waits for its slot is not the reason why the others failed.
                Decision::Fail if error == ModelError::DeadlinePassed => {
                    return Err(Unanswered::Failed(last.unwrap_or(error)));
                }
                Decision::Fail => return Err(Unanswered::Failed(error)),
                Decision::StopLane(after) => return Err(Unanswered::LaneStopped { after, error }),
                Decision::GiveUp => return Err(Unanswered::Interrupted),
            }
            policy = policies.policy();
        }
    }
}

/// Makes an attempt. Returns `None` if it has not begun after `longest`, because its lane pauses or has others before it.
async fn in_turn<T>(
    attempt: impl Future<Output = T>,
    longest: Option<Duration>,
    tracker: &AttemptTracker,
) -> Option<T> {
    let Some(longest) = longest else { return Some(attempt.await) };
    let late = async {
        sleep(longest).await;
        if tracker.state().began.is_some() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        biased;
        made = attempt => Some(made),
        () = late => None,
    }
}

/// Adds the attempt's status and error to its span.
fn record_on(span: &Span, tracker: &AttemptTracker, answer: &Result<ChatResponse, ModelError>) {
    if span.is_disabled() {
        return;
    }
    if let Some(status) = tracker.state().status {
        span.record("status", status);
    }
    if let Err(error) = answer {
        span.record("error_kind", error.kind().as_str());
    }
}

async fn wait_to_retry(
    wait: Duration,
    number: usize,
    error: &ModelError,
    deadline: Option<Instant>,
) -> Result<(), Unanswered> {
    // No attempt may start after the deadline, so a wait beyond it is useless.
    if deadline.is_some_and(|deadline| Instant::now() + wait >= deadline) {
        return Err(Unanswered::Failed(error.clone()));
    }
    tracing::debug!(
        event = "model.attempt_failed",
        attempt = number,
        error_kind = error.kind().as_str(),
        error = %error,
        wait_ms = crate::invoked::milliseconds(wait),
        "asking again after a wait"
    );
    sleep(wait).await;
    Ok(())
}

#[cfg(test)]
mod tests;
