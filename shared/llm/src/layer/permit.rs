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
        if cx.number == 0 && !cx.policies.may_start() {
            return Err(ModelError::Interrupted);
        }
        let answer = self.inner.attempt(cx).await;
        let state = cx.tracker.state();
        let usage = answer.as_ref().map_or(state.usage.usage, |answer| answer.usage);
        // A request that was refused or did not reach the provider has used no tokens. Dropping its admission records
        // that.
        if answer.is_ok() || usage.is_some() || state.first_token.is_some() {
            admission.settle(usage.as_ref());
        }
        answer
    }
}

impl<A> Permit<A> {
    async fn admit(&self, cx: Context<'_>) -> Result<Admission, ModelError> {
        let ask = Ask { model: &cx.request.model, estimated_tokens: cx.request.estimated_tokens() };
        let admitted = match cx.deadline {
            None => self.lane.admit(&ask).await,
            // Admission does not check the time if a slot is free, so the deadline is checked first.
            Some(deadline) if deadline <= Instant::now() => return Err(ModelError::DeadlinePassed),
            Some(deadline) => {
                timeout_at(deadline, self.lane.admit(&ask)).await.map_err(|_| ModelError::DeadlinePassed)?
            }
        };
        // A provider that was removed is not called. The job is requeued.
        admitted.map_err(|Closed| ModelError::Interrupted)
    }
}

#[cfg(test)]
mod tests {
    use runmill_proto::ProviderId;
    use runmill_quota::{Lanes, TokenCount};
    use uuid::Uuid;

    use super::*;
    use crate::layer::scripted::{Act, Scripted, ask, policy, request};
    use crate::{CallPolicy, PolicySource};

    #[tokio::test(start_paused = true)]
    async fn an_answer_uses_tokens_and_a_refusal_does_not() {
        let lane = Arc::new(Lane::new(1));
        let refused = ModelError::RateLimited { message: "slow down".into(), after: None };
        let scripts = [vec![Act::Fail(refused)], vec![Act::Token, Act::Answer]];
        let permit = Permit { inner: Scripted::new(scripts), lane: lane.clone() };

        assert!(ask(&permit, &policy()).await.is_err());
        assert_eq!(lane.tokens(), TokenCount { reserved: 0, used: 0 });
        ask(&permit, &policy()).await.unwrap();

        let used = request().estimated_tokens();
        assert!(used > 0);
        assert_eq!(lane.tokens(), TokenCount { reserved: 0, used }, "the usage is unknown");
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_may_no_longer_start_gives_its_slot_back() {
        struct Late;
        impl PolicySource for Late {
            fn policy(&self) -> CallPolicy {
                policy()
            }

            fn may_start(&self) -> bool {
                false
            }
        }
        let lane = Arc::new(Lane::new(1));
        let permit = Permit { inner: Scripted::new([]), lane: lane.clone() };

        assert_eq!(ask(&permit, &Late).await, Err(ModelError::Interrupted));

        assert_eq!(lane.in_flight(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_provider_that_was_removed_is_not_called() {
        let (lanes, id) = (Lanes::new(1), ProviderId::from_uuid(Uuid::nil()));
        let permit = Permit { inner: Scripted::new([]), lane: lanes.lane(id) };

        lanes.close(id);

        assert_eq!(ask(&permit, &policy()).await, Err(ModelError::Interrupted));
    }
}
