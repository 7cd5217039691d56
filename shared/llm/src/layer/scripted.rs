//! An attempt that follows a script, and what tests of layers need around it.

use std::{sync::Mutex, time::Duration};

use tokio::time::{Instant, sleep};

use super::{Attempt, Context};
use crate::{
    CallPolicy, ChatRequest, ChatResponse, Finish, ModelError, keys::Outlook, progress::Progress,
    protocol::Form,
};

#[derive(Clone, Debug)]
pub(crate) enum Act {
    SendStream,
    SendBuffered,
    /// Seconds.
    Wait(u64),
    /// The head of an answer, with this status.
    Head(u16),
    Chunk,
    Token,
    Outlook(Outlook),
    Fail(ModelError),
    Answer,
}

/// Each attempt plays the next of its scripts.
pub(crate) struct Scripted {
    scripts: Mutex<Vec<Vec<Act>>>,
    /// The form and moment of each attempt.
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

    /// Fails at once with each error in turn, then answers.
    pub fn failing(errors: impl IntoIterator<Item = ModelError>) -> Self {
        let failures = errors.into_iter().map(|error| vec![Act::SendStream, Act::Fail(error)]);
        Self::new(failures.chain([vec![Act::SendStream, Act::Token, Act::Answer]]))
    }

    pub fn forms(&self) -> Vec<Form> {
        self.seen.lock().unwrap().iter().map(|(form, _)| *form).collect()
    }
}

impl Attempt for Scripted {
    async fn attempt(&self, cx: Context<'_>) -> Result<ChatResponse, ModelError> {
        self.seen.lock().unwrap().push((cx.form, Instant::now()));
        let script = self.scripts.lock().unwrap().pop().expect("an attempt more than the script has");
        cx.progress.begin();
        cx.progress.send(true);
        for act in script {
            match act {
                Act::SendStream => cx.progress.send(true),
                Act::SendBuffered => cx.progress.send(false),
                Act::Wait(seconds) => sleep(secs(seconds)).await,
                Act::Head(status) => cx.progress.answered(status, cx.form.stream),
                Act::Chunk => cx.progress.chunk(),
                Act::Token => {
                    cx.progress.chunk();
                    cx.progress.token();
                }
                Act::Fail(error) => return Err(error),
                Act::Outlook(outlook) => cx.progress.outlook(outlook),
                Act::Answer => {
                    let streamed = cx.progress.marks().streamed;
                    cx.progress.answered(200, streamed);
                    return Ok(four());
                }
            }
        }
        panic!("a script ends in an answer or a failure");
    }
}

/// The scripted answer to everything.
pub(crate) fn four() -> ChatResponse {
    ChatResponse {
        text: "4".into(),
        reasoning: None,
        refusal: None,
        tool_calls: Vec::new(),
        logprobs: None,
        finish: Finish::Stop,
        usage: None,
    }
}

pub(crate) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
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
    ChatRequest { model: "m".into(), call_id: "call".into(), ..ChatRequest::default() }
}

/// One attempt, straight at `layer`.
pub(crate) async fn ask(layer: &impl Attempt, policy: &CallPolicy) -> Result<ChatResponse, ModelError> {
    let (request, progress) = (request(), Progress::default());
    let (form, deadline) = (Form::default(), None);
    let (policies, progress) = (policy, &progress);
    let cx = Context { request: &request, policies, number: 0, form, deadline, progress, key: None };
    layer.attempt(cx).await
}
