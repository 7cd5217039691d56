//! Requests that any executor can answer, by the type of their message.

mod smoke_test;

use std::sync::Arc;

use anyhow::Context;
use runmill_broker::{Delivery, Envelope, Queue, SharedBroker};
use runmill_proto::{
    codec::{DecodeError, Message},
    message::SmokeTest,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{ack, environment::Environment};

/// Requests at once; further ones wait in the queue, for another executor.
const REQUESTS_MAX: u16 = 4;

/// Takes requests and answers them.
pub struct Requests {
    pub environment: Arc<Environment>,
}

impl Requests {
    /// Answers until `stop`; then leaves the unanswered ones to another executor. To wait for them could take longer than
    /// the drain, and to ask again costs nearly nothing.
    pub async fn run(self, broker: SharedBroker, stop: CancellationToken) -> anyhow::Result<()> {
        let requests = broker.subscribe(Queue::Requests, REQUESTS_MAX).await;
        let mut requests = requests.context("taking requests")?;
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
                    tracing::warn!(event = "smoke_test.reply_failed", %error, "whoever asked has to ask again");
                }
                ack::ack(delivery).await;
            }
            Ok(None) => ack::requeue(delivery).await,
            Err(error) => ack::dead_letter(delivery, &error).await,
        }
    }

    /// The answer; `None` if `stop` came before its end. A type that is not known here, or bytes that are not what their
    /// type says, are an error.
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
            other => Err(DecodeError::unknown(other, SmokeTest::TYPE)),
        }
    }
}
