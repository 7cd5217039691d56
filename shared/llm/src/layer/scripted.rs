//! A scripted attempt in place of the network, and helpers for the layers' tests.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use runmill_proto::{Generation, Remarks};
use tokio::time::{Instant, sleep};

use super::{AttemptLayer, Context};
use crate::{
    Billing, CallPolicy, ChatRequest, ChatResponse, Finish, ModelError, PolicySource, Random,
    keys::{KeyAvailability, Refusals},
    protocol::Form,
    tracker::AttemptTracker,
};

#[derive(Clone, Debug)]
pub(crate) enum Act {
    SendStream,
    SendBuffered,
    /// Wait for this many seconds.
    Wait(u64),
    /// Receive the head of an answer with this status.
    Head(u16),
    Chunk,
    Token,
    /// Give the caller a part of the answer.
    Deliver,
    Availability(KeyAvailability),
    Fail(ModelError),
    Answer,
}

/// An attempt layer that plays the next of its scripts in each attempt.
pub(crate) struct Scripted {
    scripts: Mutex<Vec<Vec<Act>>>,
    /// Form and time of each attempt.
    pub seen: Mutex<Vec<(Form, Instant)>>,
}

impl Scripted {
    pub fn new(scripts: impl IntoIterator<Item = Vec<Act>>) -> Self {
        let mut scripts: Vec<_> = scripts.into_iter().collect();
        scripts.reverse();
        Self { scripts: Mutex::new(scripts), seen: Mutex::default() }
    }

    pub fn acting(acts: &[Act]) -> Self {
        Self::new([acts.to_vec()])
    }

    /// Returns a layer that fails at once with each error in turn, and then answers.
    pub fn failing(errors: impl IntoIterator<Item = ModelError>) -> Self {
        let failures = errors.into_iter().map(|error| vec![Act::SendStream, Act::Fail(error)]);
        Self::new(failures.chain([vec![Act::SendStream, Act::Token, Act::Answer]]))
    }

    pub fn forms(&self) -> Vec<Form> {
        self.seen.lock().unwrap().iter().map(|(form, _)| *form).collect()
    }
}

impl AttemptLayer for Scripted {
    async fn attempt(&self, cx: Context<'_>) -> Result<ChatResponse, ModelError> {
        self.seen.lock().unwrap().push((cx.form, Instant::now()));
        let script = self.scripts.lock().unwrap().pop().expect("an attempt more than the script has");
        cx.tracker.began();
        cx.tracker.sent(true);
        for act in script {
            match act {
                Act::SendStream => cx.tracker.sent(true),
                Act::SendBuffered => cx.tracker.sent(false),
                Act::Wait(seconds) => sleep(secs(seconds)).await,
                Act::Head(status) => cx.tracker.answered(status, cx.form.streams()),
                Act::Chunk => cx.tracker.chunk(),
                Act::Token => {
                    cx.tracker.chunk();
                    cx.tracker.token();
                }
                Act::Deliver => cx.tracker.delivered(),
                Act::Fail(error) => return Err(error),
                Act::Availability(availability) => cx.tracker.availability(availability),
                Act::Answer => {
                    let streamed = cx.tracker.state().streamed;
                    cx.tracker.answered(200, streamed);
                    return Ok(four());
                }
            }
        }
        panic!("a script ends in an answer or a failure");
    }
}

/// Returns the answer of every successful script.
pub(crate) fn four() -> ChatResponse {
    ChatResponse {
        text: "4".into(),
        reasoning: None,
        refusal: None,
        tool_calls: Vec::new(),
        logprobs: None,
        finish: Finish::Stop,
        usage: None,
        billing: Billing::default(),
        remarks: Remarks::default(),
    }
}

pub(crate) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Returns a source of numbers that are all zero, for waits without jitter.
pub(crate) fn still() -> Random {
    Arc::new(|| 0.0)
}

pub(crate) fn policy() -> CallPolicy {
    CallPolicy {
        first_token: secs(120),
        idle: secs(60),
        total: secs(600),
        max_retries: 4,
        failed_before: 0,
        backoff_base: secs(1),
        backoff_max: secs(30),
        wait_max: secs(30),
        budget_percent: 20.0,
        deadline: None,
    }
}

pub(crate) fn request() -> ChatRequest {
    let generation = Generation { max_new_tokens: Some(7), ..Generation::default() };
    ChatRequest { model: "m".into(), call_id: "call".into(), generation, ..ChatRequest::default() }
}

/// Makes one attempt at `layer`.
pub(crate) async fn ask(
    layer: &impl AttemptLayer,
    policy: &dyn PolicySource,
) -> Result<ChatResponse, ModelError> {
    let (request, tracker) = (request(), AttemptTracker::default());
    let (form, deadline) = (Form::default(), None);
    let (policies, tracker, refusals) = (policy, &tracker, &Refusals::default());
    let cx = Context {
        request: &request,
        policies,
        number: 0,
        form,
        deadline,
        tracker,
        refusals,
        admitted: None,
        sink: None,
        key: None,
    };
    layer.attempt(cx).await
}
