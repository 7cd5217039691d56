use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use lapin::{message::Delivery, types::ShortString};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    exclusive::{Event, ExclusiveQueue, Opened},
    settle::ReplyTo,
    wire,
};
use crate::Envelope;

/// Passes the answers to the requests of this process, which come to an exclusive queue, to the requesters.
pub(super) struct Replies {
    state: Mutex<State>,
}

struct State {
    queue: ShortString,
    /// Requesters that wait, by correlation id.
    requesters: HashMap<Uuid, oneshot::Sender<Envelope>>,
}

/// A request that waits for its answer. When this is dropped, the answer is no longer expected.
pub(super) struct PendingReply {
    replies: Arc<Replies>,
    correlation: Uuid,
    pub answer: oneshot::Receiver<Envelope>,
}

impl Replies {
    /// Returns the receiver of the answers, and the task that passes them on until the broker is closed.
    pub fn new(
        queue: ExclusiveQueue,
        opened: Opened,
        closing: CancellationToken,
    ) -> (Arc<Self>, impl Future<Output = ()> + Send + 'static) {
        let state = State { queue: opened.name.clone(), requesters: HashMap::new() };
        let replies = Arc::new(Self { state: Mutex::new(state) });
        let this = replies.clone();
        let task = async move {
            let on_event = |event| match event {
                Event::Message(delivery) => this.pass_on(*delivery),
                Event::Reopened(name) => this.lock().queue = name,
            };
            queue.run(opened, closing, on_event).await;
        };
        (replies, task)
    }

    /// Expects an answer from now on. Returns the address for the request, and the pending answer.
    pub fn expect_reply(self: &Arc<Self>) -> (ReplyTo, PendingReply) {
        let correlation = Uuid::now_v7();
        let (requester, answer) = oneshot::channel();
        let mut state = self.lock();
        state.requesters.insert(correlation, requester);
        let address = ReplyTo { queue: state.queue.clone(), correlation_id: correlation.to_string().into() };
        drop(state);
        (address, PendingReply { replies: self.clone(), correlation, answer })
    }

    /// Passes an answer to its requester, or drops it if the requester no longer waits.
    fn pass_on(&self, mut delivery: Delivery) {
        let correlation = delivery.properties.correlation_id().as_ref();
        let Some(correlation) = correlation.and_then(|id| Uuid::try_parse(id.as_str()).ok()) else { return };
        if let Some(requester) = self.lock().requesters.remove(&correlation) {
            let _gave_up = requester.send(wire::envelope(&mut delivery));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds this lock")
    }
}

impl Drop for PendingReply {
    fn drop(&mut self) {
        self.replies.lock().requesters.remove(&self.correlation);
    }
}
