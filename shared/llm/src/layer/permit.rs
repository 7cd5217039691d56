use std::sync::Arc;

use runmill_quota::Gate;
use tokio::time::{Instant, timeout_at};

use super::{AttemptLayer, Context};
use crate::{ChatResponse, ModelError};

/// Lets an attempt start when its lane has room, and not after the call's deadline.
pub(crate) struct Permit<A> {
    pub inner: A,
    pub gate: Arc<Gate>,
}

impl<A: AttemptLayer> AttemptLayer for Permit<A> {
    async fn attempt(&self, cx: Context<'_>) -> Result<ChatResponse, ModelError> {
        let _permit = match cx.deadline {
            None => self.gate.acquire().await,
            // A free slot is taken whatever the time is, so look at the time first.
            Some(deadline) if deadline <= Instant::now() => return Err(ModelError::DeadlinePassed),
            Some(deadline) => {
                timeout_at(deadline, self.gate.acquire()).await.map_err(|_| ModelError::DeadlinePassed)?
            }
        };
        self.inner.attempt(cx).await
    }
}
