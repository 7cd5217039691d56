use std::sync::Arc;

use runmill_proto::ErrorKind;
use runmill_quota::{Admission, Ask, Closed, Lane, Outcome};
use tokio::time::{Instant, timeout_at};

use super::{Admitted, AttemptLayer, Context};
use crate::{ChatResponse, ModelError, Random, keys::KeyAvailability, tracker::AttemptState};

/// Starts an attempt when its lane admits it, and not after the call's deadline. Tells the lane how it ended.
pub(crate) struct Permit<A> {
    pub inner: A,
    pub lane: Arc<Lane>,
    /// Source of the jitter of the lane's cooldowns.
    pub random: Random,
}

impl<A: AttemptLayer> AttemptLayer for Permit<A> {
    async fn attempt(&self, cx: Context<'_>) -> Result<ChatResponse, ModelError> {
        let tokens = cx.request.estimated_tokens(cx.policies.estimated_output());
        let admission = self.admit(cx, tokens).await?;
        if cx.number == 0 && !cx.policies.may_start() {
            return Err(ModelError::Interrupted);
        }
        let admitted = Some(Admitted { lane: &self.lane, tokens });
        let answer = self.inner.attempt(Context { admitted, ..cx }).await;
        let state = cx.tracker.state();
        self.report(&admission, &answer, &state);
        let usage = answer.as_ref().map_or(state.usage.usage, |answer| answer.usage);
        // A request that was refused or did not reach the provider has used no tokens. Dropping its admission records
        // that.
        if answer.is_ok() || usage.is_some() || state.first_token.is_some() {
            admission.settle(usage.as_ref());
        } else if matches!(answer, Err(ModelError::RateLimited { .. })) {
            admission.rest();
        }
        answer
    }
}

impl<A> Permit<A> {
    async fn admit(&self, cx: Context<'_>, estimated_tokens: u64) -> Result<Admission, ModelError> {
        let open_for = cx.policies.policy().total;
        let class = cx.policies.class();
        let ask = Ask { model: &cx.request.model, estimated_tokens, open_for, class };
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

    fn report(&self, admission: &Admission, answer: &Result<ChatResponse, ModelError>, state: &AttemptState) {
        if let Some(outcome) = outcome(answer) {
            admission.note(outcome);
        }
        // While another key is free, only this key must pause, and the keys see to that.
        if let Err(ModelError::RateLimited { message, after }) = answer
            && state.availability != KeyAvailability::AnotherKey
        {
            admission.cool_down(*after, message, (self.random)());
        }
    }
}

/// Returns the outcome for the lane. Refusals of the request or of a key say nothing about the provider's limits.
fn outcome(answer: &Result<ChatResponse, ModelError>) -> Option<Outcome> {
    let Err(error) = answer else { return Some(Outcome::Answered) };
    match error.kind() {
        ErrorKind::RateLimited => Some(Outcome::Refused),
        ErrorKind::FirstTokenTimeout => Some(Outcome::Late),
        ErrorKind::Connection
        | ErrorKind::ConnectTimeout
        | ErrorKind::IdleTimeout
        | ErrorKind::TotalTimeout
        | ErrorKind::Overloaded
        | ErrorKind::ServerError
        | ErrorKind::TruncatedStream => Some(Outcome::Failed),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use runmill_proto::ProviderId;
    use runmill_quota::{Class, Lanes, TokenCount};
    use uuid::Uuid;

    use super::*;
    use crate::layer::scripted::{Act, Scripted, ask, policy, request, secs, still};
    use crate::{CallPolicy, PolicySource};

    #[tokio::test(start_paused = true)]
    async fn an_answer_uses_tokens_and_a_refusal_does_not() {
        let lane = Arc::new(Lane::new(1));
        let refused = ModelError::RateLimited { message: "slow down".into(), after: None };
        let scripts = [vec![Act::Fail(refused)], vec![Act::Token, Act::Answer]];
        let permit = Permit { inner: Scripted::new(scripts), lane: lane.clone(), random: still() };

        assert!(ask(&permit, &policy()).await.is_err());
        assert_eq!(lane.tokens(), TokenCount { reserved: 0, used: 0 });
        ask(&permit, &policy()).await.unwrap();

        let used = request().estimated_tokens(None);
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
        let permit = Permit { inner: Scripted::new([]), lane: lane.clone(), random: still() };

        assert_eq!(ask(&permit, &Late).await, Err(ModelError::Interrupted));

        assert_eq!(lane.in_flight(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn an_interactive_call_is_admitted_before_one_of_a_run() {
        struct Interactive;
        impl PolicySource for Interactive {
            fn policy(&self) -> CallPolicy {
                policy()
            }

            fn class(&self) -> Class {
                Class::Interactive
            }
        }
        let lane = Arc::new(Lane::new(1));
        let last = ModelError::ServerError { status: 500, message: "no".into(), after: None };
        let scripts = [vec![Act::Answer], vec![Act::Fail(last.clone())]];
        let permit = Permit { inner: Scripted::new(scripts), lane: lane.clone(), random: still() };
        let (open_for, class) = (secs(1), Class::Run);
        let held = lane.admit(&Ask { model: "m", estimated_tokens: 1, open_for, class }).await.unwrap();

        let run = policy();
        let (of_run, of_client, ()) = tokio::join!(ask(&permit, &run), ask(&permit, &Interactive), async {
            assert_eq!(lane.waiting(), 2);
            drop(held);
        });

        assert_eq!((of_run, of_client.is_ok()), (Err(last), true));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_pauses_the_lane_unless_another_key_is_free() {
        let refused =
            |seconds| ModelError::RateLimited { message: "slow down".into(), after: Some(secs(seconds)) };
        let another = Act::Availability(KeyAvailability::AnotherKey);
        let scripts = [vec![another, Act::Fail(refused(9))], vec![Act::Fail(refused(5))], vec![Act::Answer]];
        let lane = Arc::new(Lane::new(1));
        let permit = Permit { inner: Scripted::new(scripts), lane: lane.clone(), random: still() };
        let start = Instant::now();

        assert!(ask(&permit, &policy()).await.is_err());
        assert_eq!(lane.cooldown(), None);
        assert!(ask(&permit, &policy()).await.is_err());
        ask(&permit, &policy()).await.unwrap();

        assert_eq!(start.elapsed(), secs(5));
        assert_eq!(lane.take_refusal().unwrap().reason, "slow down");
        let signals = lane.signals();
        assert_eq!((signals.started, signals.refused, signals.answered), (3, 2, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_provider_that_was_removed_is_not_called() {
        let (lanes, id) = (Lanes::new(1), ProviderId::from_uuid(Uuid::nil()));
        let permit = Permit { inner: Scripted::new([]), lane: lanes.lane(id), random: still() };

        lanes.close(id);

        assert_eq!(ask(&permit, &policy()).await, Err(ModelError::Interrupted));
    }
}
