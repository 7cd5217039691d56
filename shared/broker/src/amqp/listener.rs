use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    private::{Event, Opened, PrivateQueue},
    wire,
};
use crate::{Heard, Listener, inbox::Inbox};

pub(super) struct AmqpListener {
    inbox: Arc<Inbox>,
    _stop: DropGuard,
}

impl AmqpListener {
    /// The listener, and what keeps it hearing until it is dropped or the broker closed.
    pub fn new(
        queue: PrivateQueue,
        opened: Opened,
        closing: &CancellationToken,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let inbox = Arc::new(Inbox::default());
        let stop = closing.child_token();
        let listener = Self { inbox: inbox.clone(), _stop: stop.clone().drop_guard() };
        let hearing = async move {
            let heard = |event| match event {
                Event::Message(mut delivery) => inbox.push(wire::envelope(&mut delivery)),
                // Only now, when what is said next is heard, the store can be read for what was missed.
                Event::Reopened(_) => inbox.gap(),
            };
            queue.run(opened, stop, heard).await;
            inbox.close();
        };
        (listener, hearing)
    }
}

#[async_trait]
impl Listener for AmqpListener {
    async fn next(&mut self) -> Option<Heard> {
        self.inbox.next().await
    }
}
