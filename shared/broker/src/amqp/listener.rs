use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    exclusive::{Event, ExclusiveQueue, Opened},
    wire,
};
use crate::{Heard, Listener, inbox::Inbox};

pub(super) struct AmqpListener {
    inbox: Arc<Inbox>,
    /// Name of the current queue.
    queue: Arc<Mutex<String>>,
    _stop: DropGuard,
}

impl AmqpListener {
    /// Returns the listener and the task that feeds it, which ends when the listener is dropped or the broker closed.
    pub fn new(
        queue: ExclusiveQueue,
        opened: Opened,
        closing: &CancellationToken,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let inbox = Arc::new(Inbox::default());
        let name = Arc::new(Mutex::new(opened.name.to_string()));
        let stop = closing.child_token();
        let listener = Self { inbox: inbox.clone(), queue: name.clone(), _stop: stop.clone().drop_guard() };
        let task = async move {
            let on_event = |event| match event {
                Event::Message(mut delivery) => inbox.push(wire::envelope(&mut delivery)),
                Event::Lost => {}
                // The gap is reported only now, after the new queue was bound, so that a read of the store finds
                // everything that was missed.
                Event::Reopened(queue) => {
                    *name.lock().unwrap_or_else(PoisonError::into_inner) = queue.to_string();
                    inbox.gap();
                }
            };
            queue.run(opened, stop, on_event).await;
            inbox.close();
        };
        (listener, task)
    }
}

#[async_trait]
impl Listener for AmqpListener {
    async fn next(&mut self) -> Option<Heard> {
        self.inbox.next().await
    }

    fn presence(&self) -> String {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
