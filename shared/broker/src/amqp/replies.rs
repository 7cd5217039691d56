use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use lapin::{message::Delivery, types::ShortString};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    private::{Event, Opened, PrivateQueue},
    settle::ReplyTo,
    wire,
};
use crate::Envelope;

/// Answers to the requests of this process, which come to a private queue.
pub(super) struct Replies {
    state: Mutex<State>,
}

struct State {
    queue: ShortString,
    /// Who asked, by correlation id.
    askers: HashMap<Uuid, oneshot::Sender<Envelope>>,
}

/// A request that waits; forgotten when dropped.
pub(super) struct Waiting {
    replies: Arc<Replies>,
    correlation: Uuid,
    pub answer: oneshot::Receiver<Envelope>,
}

impl Replies {
    /// And what passes the answers on until the broker is closed.
    pub fn new(
        queue: PrivateQueue,
        opened: Opened,
        closing: CancellationToken,
    ) -> (Arc<Self>, impl Future<Output = ()> + Send + 'static) {
        let state = State { queue: opened.name.clone(), askers: HashMap::new() };
        let replies = Arc::new(Self { state: Mutex::new(state) });
        let passing = replies.clone();
        let passing = async move {
            let heard = |event| match event {
                Event::Message(delivery) => passing.pass_on(*delivery),
                Event::Reopened(name) => passing.lock().queue = name,
            };
            queue.run(opened, closing, heard).await;
        };
        (replies, passing)
    }

    /// Expects an answer from now on; where to send it to, and what to wait for.
    pub fn expect(self: &Arc<Self>) -> (ReplyTo, Waiting) {
        let correlation = Uuid::now_v7();
        let (asker, answer) = oneshot::channel();
        let mut state = self.lock();
        state.askers.insert(correlation, asker);
        let address = ReplyTo { queue: state.queue.clone(), correlation_id: correlation.to_string().into() };
        drop(state);
        (address, Waiting { replies: self.clone(), correlation, answer })
    }

    /// An answer that nobody waits for any more is dropped.
    fn pass_on(&self, mut delivery: Delivery) {
        let correlation = delivery.properties.correlation_id().as_ref();
        let Some(correlation) = correlation.and_then(|id| Uuid::try_parse(id.as_str()).ok()) else { return };
        if let Some(asker) = self.lock().askers.remove(&correlation) {
            let _gave_up = asker.send(wire::envelope(&mut delivery));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds this lock")
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.replies.lock().askers.remove(&self.correlation);
    }
}
