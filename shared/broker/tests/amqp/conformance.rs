use runmill_broker::{
    amqp::{AmqpBroker, AmqpSettings},
    conformance,
};
use runmill_testkit::amqp_url;

use super::settings;

async fn broker() -> AmqpBroker {
    let queue_length_max = conformance::QUEUE_LENGTH_MAX.try_into().unwrap();
    AmqpBroker::connect(AmqpSettings { queue_length_max, ..settings(&amqp_url()) }).await.unwrap()
}

runmill_broker::broker_conformance!(broker());
