//! Tests of the lines that a lost connection costs in the log.

use std::sync::{Arc, Mutex};

use runmill_broker::{Broker, amqp::AmqpBroker};
use runmill_testkit::{Proxy, amqp_url};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

use super::{faults::within, lane, message, settings};

/// Collects the messages of this thread's warnings. Those of the client library are not shown to users either.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN && metadata.target().starts_with("runmill")
    }

    fn new_span(&self, _span: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _span: &span::Id, _values: &span::Record<'_>) {}

    fn record_follows_from(&self, _span: &span::Id, _follows: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut MessageOf(&self.0));
    }

    fn enter(&self, _span: &span::Id) {}

    fn exit(&self, _span: &span::Id) {}
}

struct MessageOf<'a>(&'a Mutex<Vec<String>>);

impl Visit for MessageOf<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0.lock().unwrap().push(format!("{value:?}"));
        }
    }
}

#[tokio::test]
async fn a_lost_connection_is_one_warning_however_many_queues_it_serves() {
    let warnings = Warnings::default();
    let _capturing = tracing::subscriber::set_default(warnings.clone());
    let (proxy, url) = Proxy::before(&amqp_url()).await.unwrap();
    let broker = AmqpBroker::connect(settings(&url)).await.unwrap();
    let mut subscriptions = Vec::new();
    for _ in 0..5 {
        let queue = lane();
        subscriptions.push((queue, broker.subscribe(queue, 1).await.unwrap()));
    }

    proxy.cut();

    for (queue, subscription) in &mut subscriptions {
        while broker.publish(*queue, message(1)).await.is_err() {}
        within("a delivery", subscription.next()).await.unwrap().ack().await.unwrap();
    }
    // One connection publishes, the other consumes.
    let said = warnings.0.lock().unwrap().clone();
    assert_eq!(said, ["broker connection lost", "broker connection lost"]);
}
