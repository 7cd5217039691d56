use std::sync::Arc;

use runmill_broker::{Queue, SharedBroker, Subscription};
use runmill_proto::ProviderId;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::opening::open;
use crate::client_calls::ClientCalls;

/// Number of a provider's calls that this executor has in hand at once, those that wait for the lane included. It is never
/// lowered: without a consumer the broker would take the fleet for gone, and refuse calls instead of holding them.
const CALLS_MAX: u16 = 256;

/// Takes the calls of clients to one provider.
pub(super) struct CallConsumer {
    pub provider_id: ProviderId,
    pub calls: Arc<ClientCalls>,
}

impl CallConsumer {
    /// Takes calls from the queue until `stop`, and makes each as a task of its own. Then requeues those that have not
    /// started, and waits for the others.
    pub async fn run(self, broker: SharedBroker, stop: CancellationToken) {
        let queue = Queue::Calls(self.provider_id);
        let opened = open(
            &broker,
            queue,
            || CALLS_MAX,
            &stop,
            |error, wait| {
                tracing::error!(
                    event = "executor.calls_not_consumed",
                    provider_id = %self.provider_id,
                    %error,
                    wait_s = wait.as_secs(),
                    "no calls of clients to this provider are taken; this is tried again"
                );
            },
        );
        if let Some((calls, _prefetch)) = opened.await {
            self.consume(calls, &stop).await;
        }
    }

    async fn consume(&self, mut deliveries: Box<dyn Subscription>, stop: &CancellationToken) {
        let mut tasks = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(_) = tasks.join_next() => {}
                // The prefetch bounds the calls of one connection; those of lost connections go on beside them.
                delivery = deliveries.next(), if tasks.len() < 2 * usize::from(CALLS_MAX) => match delivery {
                    Some(delivery) => {
                        let (calls, stop) = (self.calls.clone(), stop.clone());
                        tasks.spawn(async move { Box::pin(calls.work(delivery, stop)).await });
                    }
                    None => break,
                },
            }
        }
        deliveries.stop().await;
        while tasks.join_next().await.is_some() {}
    }
}
