mod backoff;
mod journal;
mod patience;

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};
use tracing::{Instrument, Span, field::Empty};

use runmill_clock::Clock;
use runmill_pricing::PriceTable;
use runmill_quota::RetryBudget;

use self::{
    journal::Journal,
    patience::{Next, Patience},
};
use super::{Attempt, Context, Invoke};
use crate::{
    ChatRequest, ChatResponse, Interrupts, Invoked, ModelError, PolicySource, Random, Unanswered,
    progress::Progress, protocol::Form,
};

/// Makes attempts until there is an answer, or a reason to stop.
pub(crate) struct Retry<A> {
    pub inner: A,
    pub clock: Clock,
    pub random: Random,
    /// Of all calls to the provider.
    pub budget: RetryBudget,
    pub prices: Arc<PriceTable>,
}

impl<A: Attempt> Invoke for Retry<A> {
    async fn invoke(
        &self,
        request: &ChatRequest,
        policies: &dyn PolicySource,
        interrupts: &Interrupts,
    ) -> Invoked {
        let mut journal = Journal::open(self.clock.now());
        let result = self.settle(request, policies, interrupts, &mut journal).await;
        journal.close(result)
    }
}

impl<A: Attempt> Retry<A> {
    async fn settle(
        &self,
        request: &ChatRequest,
        policies: &dyn PolicySource,
        interrupts: &Interrupts,
        journal: &mut Journal,
    ) -> Result<ChatResponse, Unanswered> {
        let mut policy = policies.policy();
        let mut patience = Patience::new(&self.budget, policy.failed_before);
        // Only what is asked for the first time earns retries: a job that is fed again is one.
        if policy.failed_before == 0 {
            self.budget.deposit(policy.budget_percent);
        }
        loop {
            let progress = Progress::default();
            let (number, form, deadline) = (journal.len(), Form::default(), journal.moment(policy.deadline));
            let cx = Context { request, policies, number, form, deadline, progress: &progress, key: None };
            let has_started = || number > 0 || progress.marks().began.is_some();
            let span = tracing::info_span!(
                target: "trace",
                "model.attempt",
                attempt = number,
                status = Empty,
                error_kind = Empty,
            );
            let attempt = self.inner.attempt(cx).instrument(span.clone());
            let answer = interrupts.cut(attempt, has_started).await;
            let answer = answer.unwrap_or(Err(ModelError::Interrupted));
            tell(&span, &progress, &answer);
            let seller = progress.marks().seller;
            let price = seller.and_then(|seller| self.prices.price(seller, &request.model));
            journal.record(&progress, &answer, price);
            let error = match answer {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            let next = patience.next(&policy, error.advice(), progress.marks().outlook, (self.random)());
            journal.failures(patience.failures());
            match next {
                Next::Wait(wait) => {
                    let waited = interrupts.cut(pause(wait, number, &error, deadline), || true).await;
                    waited.unwrap_or(Err(Unanswered::Interrupted))?;
                }
                Next::Defer(after) => return Err(Unanswered::Deferred { after, error }),
                Next::Fail => return Err(Unanswered::Failed(error)),
                Next::StopLane(after) => return Err(Unanswered::LaneStopped { after, error }),
                Next::GiveUp => return Err(Unanswered::Interrupted),
            }
            policy = policies.policy();
        }
    }
}

/// What became of an attempt, for whoever looks at traces.
fn tell(span: &Span, progress: &Progress, answer: &Result<ChatResponse, ModelError>) {
    if span.is_disabled() {
        return;
    }
    if let Some(status) = progress.marks().status {
        span.record("status", status);
    }
    if let Err(error) = answer {
        span.record("error_kind", error.kind().as_str());
    }
}

async fn pause(
    wait: Duration,
    number: usize,
    error: &ModelError,
    deadline: Option<Instant>,
) -> Result<(), Unanswered> {
    // No attempt could start after this wait, so why wait.
    if deadline.is_some_and(|deadline| Instant::now() + wait >= deadline) {
        return Err(Unanswered::Failed(ModelError::DeadlinePassed));
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
