use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::{AttemptLayer, Context};
use crate::{
    CallPolicy, ChatResponse, ModelError, PolicySource, TimeoutPhase,
    tracker::{AttemptState, AttemptTracker},
};

/// Ends an attempt that is silent for too long before its first token, between two tokens, or that takes too long in
/// total. Any bytes end a silence: a server that thinks sends comments or pings to show that it is alive.
///
/// Tokens do not reset a timer, which would be costly. The tracker has their times. One timer is set for the earliest
/// time at which a limit could be reached, and the tracker is read when it fires.
pub(crate) struct Timeout<A> {
    pub inner: A,
}

impl<A: AttemptLayer> AttemptLayer for Timeout<A> {
    async fn attempt(&self, cx: Context<'_>) -> Result<ChatResponse, ModelError> {
        cx.tracker.began();
        tokio::select! {
            // A complete answer counts, even if its time is up.
            biased;
            answer = self.inner.attempt(cx) => answer,
            phase = overdue(cx.tracker, cx.policies) => Err(ModelError::TimedOut(phase)),
        }
    }
}

/// Returns when the attempt has reached one of its limits.
async fn overdue(tracker: &AttemptTracker, policies: &dyn PolicySource) -> TimeoutPhase {
    let mut policy = policies.policy();
    loop {
        let state = tracker.state();
        if state.waits {
            tracker.wait_ended().await;
            policy = policies.policy();
            continue;
        }
        let (limit, phase) = next_limit(&state, &policy);
        let now = Instant::now();
        if now >= limit {
            return phase;
        }
        // Events that the tracker records from now on set no limit that is earlier than this, so no limit is noticed
        // too late.
        sleep_until(limit.min(now + shortest(&policy))).await;
    }
}

/// Returns the limit that is reached first if nothing more arrives.
fn next_limit(state: &AttemptState, policy: &CallPolicy) -> (Instant, TimeoutPhase) {
    let began = state.began.expect("the attempt has begun");
    let total = (began + policy.total, TimeoutPhase::Total);
    let silence = match state {
        AttemptState { streamed: true, first_token: None, sent: Some(sent), .. } => {
            let phase = if state.status.is_some() { TimeoutPhase::FirstToken } else { TimeoutPhase::Head };
            (state.last_chunk.unwrap_or(*sent) + policy.first_token, phase)
        }
        AttemptState { last_chunk: Some(chunk), .. } => (*chunk + policy.idle, TimeoutPhase::Idle),
        _ => return total,
    };
    if silence.0 < total.0 { silence } else { total }
}

fn shortest(policy: &CallPolicy) -> Duration {
    policy.first_token.min(policy.idle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::scripted::{Act, Scripted, ask, policy, secs};

    /// Returns the attempt's result, and the seconds that it took.
    async fn run(acts: &[Act]) -> (Result<String, ModelError>, u64) {
        let start = Instant::now();
        let policy = CallPolicy { first_token: secs(120), idle: secs(60), total: secs(600), ..policy() };
        let answer = ask(&Timeout { inner: Scripted::acting(acts) }, &policy).await;
        (answer.map(|answer| answer.text), start.elapsed().as_secs())
    }

    fn timed_out(phase: TimeoutPhase) -> Result<String, ModelError> {
        Err(ModelError::TimedOut(phase))
    }

    #[tokio::test(start_paused = true)]
    async fn each_silence_has_its_own_limit() {
        use Act::{Answer, Chunk, Head, SendBuffered, SendStream, Token, Wait};
        let table: &[(&[Act], Result<String, ModelError>, u64)] = &[
            (&[SendStream, Wait(9999)], timed_out(TimeoutPhase::Head), 120),
            (&[SendStream, Wait(100), Head(200), Wait(9999)], timed_out(TimeoutPhase::FirstToken), 120),
            // Chunks without a token show that the server is alive.
            (
                &[SendStream, Head(200), Wait(100), Chunk, Wait(9999)],
                timed_out(TimeoutPhase::FirstToken),
                220,
            ),
            (
                &[SendStream, Head(200), Wait(100), Chunk, Wait(100), Chunk, Wait(100), Answer],
                Ok("4".into()),
                300,
            ),
            (&[SendStream, Wait(100), Token, Wait(9999)], timed_out(TimeoutPhase::Idle), 160),
            // The timer was set for the limit of the first token, and must not miss the silence after that token.
            (&[SendStream, Wait(1), Token, Wait(9999)], timed_out(TimeoutPhase::Idle), 61),
            (&[SendStream, Token, Wait(50), Chunk, Wait(50), Answer], Ok("4".into()), 100),
            // A buffered answer sends nothing before it is complete.
            (&[SendBuffered, Wait(500), Answer], Ok("4".into()), 500),
            (&[SendBuffered, Wait(9999)], timed_out(TimeoutPhase::Total), 600),
            (&[SendBuffered, Wait(100), Chunk, Wait(9999)], timed_out(TimeoutPhase::Idle), 160),
            // The time to the first token starts again with another request of the same attempt.
            (&[SendStream, Wait(100), SendStream, Wait(100), Answer], Ok("4".into()), 200),
            (&[SendStream, Wait(600), Answer], timed_out(TimeoutPhase::Head), 120),
        ];
        for (acts, want, after) in table {
            assert_eq!(run(acts).await, (want.clone(), *after), "{acts:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn signs_of_life_without_a_token_end_at_the_total() {
        let acts: Vec<_> = [Act::SendStream, Act::Head(200)]
            .into_iter()
            .chain((0..100).flat_map(|_| [Act::Chunk, Act::Wait(15)]))
            .collect();

        assert_eq!(run(&acts).await, (timed_out(TimeoutPhase::Total), 600));
    }

    #[tokio::test(start_paused = true)]
    async fn a_steady_stream_ends_at_the_total() {
        let acts: Vec<_> = std::iter::once(Act::SendStream)
            .chain((0..100).flat_map(|_| [Act::Token, Act::Wait(30)]))
            .collect();

        assert_eq!(run(&acts).await, (timed_out(TimeoutPhase::Total), 600));
    }
}
