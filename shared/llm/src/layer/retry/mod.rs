mod backoff;
mod journal;
mod patience;

use std::time::Duration;

use tokio::time::{Instant, sleep};

use self::{
    journal::Journal,
    patience::{Next, Patience},
};
use super::{Attempt, Context, Invoke};
use crate::{
    CallPolicy, ChatRequest, ChatResponse, Clock, Interrupts, Invoked, ModelError, Random, Unanswered,
    progress::Progress, protocol::Form,
};

/// Makes attempts until there is an answer, or a reason to stop.
pub(crate) struct Retry<A> {
    pub inner: A,
    pub clock: Clock,
    pub random: Random,
}

impl<A: Attempt> Invoke for Retry<A> {
    async fn invoke(&self, request: &ChatRequest, policy: &CallPolicy, interrupts: &Interrupts) -> Invoked {
        let now = (self.clock)();
        let deadline = policy.deadline.map(|deadline| {
            let left = Duration::try_from(deadline.duration_since(now)).unwrap_or(Duration::ZERO);
            Instant::now() + left
        });
        let mut journal = Journal::open(now);
        let result = self.settle(request, policy, interrupts, deadline, &mut journal).await;
        journal.close(result)
    }
}

impl<A: Attempt> Retry<A> {
    async fn settle(
        &self,
        request: &ChatRequest,
        policy: &CallPolicy,
        interrupts: &Interrupts,
        deadline: Option<Instant>,
        journal: &mut Journal,
    ) -> Result<ChatResponse, Unanswered> {
        let mut patience = Patience::new(policy);
        loop {
            let progress = Progress::default();
            let (number, form) = (journal.len(), Form::default());
            let cx = Context { request, policy, number, form, deadline, progress: &progress };
            let has_started = || number > 0 || progress.marks().began.is_some();
            let answer = interrupts.cut(self.inner.attempt(cx), has_started).await;
            let answer = answer.unwrap_or(Err(ModelError::Interrupted));
            journal.record(&progress, &answer);
            let error = match answer {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            match patience.next(error.advice(), (self.random)()) {
                Next::Wait(wait) => {
                    let waited = interrupts.cut(pause(wait, number, &error, deadline), || true).await;
                    waited.unwrap_or(Err(Unanswered::Interrupted))?;
                }
                Next::Defer(after) => return Err(Unanswered::Deferred { after, error }),
                Next::Fail => return Err(Unanswered::Failed(error)),
                Next::StopLane => return Err(Unanswered::LaneStopped(error)),
                Next::GiveUp => return Err(Unanswered::Interrupted),
            }
        }
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
