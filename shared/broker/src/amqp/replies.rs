use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use async_trait::async_trait;
use lapin::{message::Delivery, types::ShortString};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    exclusive::{Event, ExclusiveQueue, Opened},
    settle::ReplyTo,
    wire,
};
use crate::{
    Answers, Envelope,
    answers::{AnswerReceiver, AnswerSender, answers},
};

/// Passes the answers to the requests of this process, which come to an exclusive queue, to the requesters.
pub(super) struct Replies {
    state: Mutex<State>,
}

struct State {
    queue: ShortString,
    /// Requesters that wait, by correlation id.
    requesters: HashMap<Uuid, AnswerSender>,
    /// Reader of the answers for which nobody waits.
    strays: Option<AnswerSender>,
    closed: bool,
}

/// A request that waits for its answers. When this is dropped, they are no longer expected.
pub(super) struct PendingReply {
    replies: Arc<Replies>,
    correlation: Uuid,
    answers: AnswerReceiver,
}

/// Answers for which nobody waits.
pub(super) struct StrayAnswers(AnswerReceiver);

impl Replies {
    /// Returns the receiver of the answers, and the task that passes them on until the broker is closed.
    pub fn new(
        queue: ExclusiveQueue,
        opened: Opened,
        closing: CancellationToken,
    ) -> (Arc<Self>, impl Future<Output = ()> + Send + 'static) {
        let state =
            State { queue: opened.name.clone(), requesters: HashMap::new(), strays: None, closed: false };
        let replies = Arc::new(Self { state: Mutex::new(state) });
        let this = replies.clone();
        let task = async move {
            let on_event = |event| match event {
                Event::Message(delivery) => this.pass_on(*delivery),
                // Answers to the lost queue are lost. A request that was sent since then has its name, too, so these
                // requesters are told again when the new queue has its own.
                Event::Lost => this.lock().requesters.clear(),
                Event::Reopened(name) => {
                    let mut state = this.lock();
                    state.requesters.clear();
                    state.queue = name;
                }
            };
            queue.run(opened, closing, on_event).await;
            let mut state = this.lock();
            state.requesters.clear();
            state.strays = None;
            state.closed = true;
        };
        (replies, task)
    }

    /// Expects answers from now on. Returns the address for the request, and the pending answers.
    pub fn expect_reply(self: &Arc<Self>) -> (ReplyTo, PendingReply) {
        let correlation = Uuid::now_v7();
        let (requester, answers) = answers();
        let mut state = self.lock();
        if !state.closed {
            state.requesters.insert(correlation, requester);
        }
        let address = ReplyTo { queue: state.queue.clone(), correlation_id: correlation.to_string().into() };
        drop(state);
        (address, PendingReply { replies: self.clone(), correlation, answers })
    }

    /// Returns the answers from now on for which nobody waits.
    pub fn strays(&self) -> StrayAnswers {
        let (sender, strays) = answers();
        let mut state = self.lock();
        if !state.closed {
            state.strays = Some(sender);
        }
        StrayAnswers(strays)
    }

    /// Passes an answer to its requester. If none waits, it is a stray one.
    fn pass_on(&self, mut delivery: Delivery) {
        let correlation = delivery.properties.correlation_id().as_ref();
        let Some(correlation) = correlation.and_then(|id| Uuid::try_parse(id.as_str()).ok()) else { return };
        let State { requesters, strays, .. } = &mut *self.lock();
        let answer = wire::envelope(&mut delivery);
        match (requesters.get_mut(&correlation), strays) {
            (Some(requester), _) => {
                if !requester.send(answer) {
                    requesters.remove(&correlation);
                }
            }
            (None, Some(strays)) => drop(strays.send(answer)),
            (None, None) => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds this lock")
    }
}

#[async_trait]
impl Answers for PendingReply {
    async fn next(&mut self) -> Option<Envelope> {
        self.answers.next().await
    }
}

#[async_trait]
impl Answers for StrayAnswers {
    async fn next(&mut self) -> Option<Envelope> {
        self.0.next().await
    }
}

impl Drop for PendingReply {
    fn drop(&mut self) {
        self.replies.lock().requesters.remove(&self.correlation);
    }
}
