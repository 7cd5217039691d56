use std::sync::Arc;

use runmill_quota::{Admission, Ask, Closed, Lane};
use tokio::time::{Instant, timeout_at};

use super::{AttemptLayer, Context};
use crate::{ChatResponse, ModelError};

/// Starts an attempt when its lane admits it, and not after the call's deadline.
pub(crate) struct Permit<A> {
    pub inner: A,
    pub lane: Arc<Lane>,
}

impl<A: AttemptLayer> AttemptLayer for Permit<A> {
    async fn attempt(&self, cx: Context<'_>) -> Result<ChatResponse, ModelError> {
        let admission = self.admit(cx).await?;
        let answer = self.inner.attempt(cx).await;
        admission.settle(cx.tracker.state().usage.as_ref());
        answer
    }
}

impl<A> Permit<A> {
    async fn admit(&self, cx: Context<'_>) -> Result<Admission, ModelError> {
        let ask = Ask { model: &cx.request.model, estimated_tokens: cx.request.estimated_tokens() };
        let admitted = match cx.deadline {
            None => self.lane.admit(&ask).await,
            // A free slot is taken whatever the time is, so look at the time first.
            Some(deadline) if deadline <= Instant::now() => return Err(ModelError::DeadlinePassed),
            Some(deadline) => {
                timeout_at(deadline, self.lane.admit(&ask)).await.map_err(|_| ModelError::DeadlinePassed)?
            }
        };
        // A provider that was removed is not called: the job goes back untouched.
        admitted.map_err(|Closed| ModelError::Interrupted)
    }
}
