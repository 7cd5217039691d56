//! Answers requests, which go to any executor. The type of the message names the kind of request.

mod provider_key;
mod smoke_test;

use std::sync::Arc;

use anyhow::Context;
use runmill_broker::{Delivery, Envelope, Queue, SharedBroker};
use runmill_proto::{
    codec::{DecodeError, Message},
    message::{ProviderKeyRequest, SmokeTest},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{ListenerHealth, ack, environment::Environment};

/// Maximum number of requests that are answered at the same time. Further ones wait in the queue for any executor.
const REQUESTS_MAX: u16 = 4;

/// Types of the requests that are answered.
const EXPECTED: &str = "smoke_test.v1 or provider_key.v1";

/// Takes requests and answers them.
pub struct Requests {
    pub environment: Arc<Environment>,
    pub health: ListenerHealth,
}

impl Requests {
    /// Answers requests until `stop`, and then leaves the unanswered ones to another executor. Waiting for their
    /// answers could take longer than the drain, and repeating them costs nearly nothing.
    pub async fn run(self, broker: SharedBroker, stop: CancellationToken) -> anyhow::Result<()> {
        let requests = broker.subscribe(Queue::Requests, REQUESTS_MAX).await;
        let mut requests = requests.context("taking requests")?;
        self.health.requests_began();
        let (this, tasks) = (Arc::new(self), TaskTracker::new());
        while let Some(Some(delivery)) = stop.run_until_cancelled(requests.next()).await {
            let (this, stop) = (this.clone(), stop.clone());
            tasks.spawn(async move { this.handle(delivery, &stop).await });
        }
        requests.stop().await;
        tasks.close();
        tasks.wait().await;
        Ok(())
    }

    async fn handle(&self, delivery: Delivery, stop: &CancellationToken) {
        match self.answer(&delivery.message, stop).await {
            Ok(Some(answer)) => {
                if let Err(error) = delivery.reply(answer).await {
                    tracing::warn!(
                        event = "request.reply_failed",
                        message_type = delivery.message.message_type,
                        %error,
                        "the requester has to repeat the request"
                    );
                }
                ack::ack(delivery).await;
            }
            Ok(None) => ack::requeue(delivery).await,
            Err(error) => ack::dead_letter(delivery, &error).await,
        }
    }

    /// Returns the answer, or `None` if `stop` came before its end. Returns an error for an unknown type, and for
    /// bytes that do not have the stated type.
    async fn answer(
        &self,
        request: &Envelope,
        stop: &CancellationToken,
    ) -> Result<Option<Envelope>, DecodeError> {
        match request.message_type.as_str() {
            SmokeTest::TYPE => {
                let report = smoke_test::answer(&self.environment, &request.decode()?, stop).await;
                Ok(report.as_ref().map(Envelope::new))
            }
            ProviderKeyRequest::TYPE => {
                let reply = provider_key::answer(&self.environment, &request.decode()?).await;
                Ok(Some(Envelope::new(&reply)))
            }
            other => Err(DecodeError::unknown(other, EXPECTED)),
        }
    }
}
