use lapin::{Connection, ConnectionProperties, options::QueueDeclareOptions, types::FieldTable};

use crate::amqp_url;

/// How many messages are ready in each of the queues; a queue that is not there has none.
pub async fn ready_messages(queues: &[String]) -> Vec<(String, u32)> {
    let connection =
        Connection::connect(&amqp_url(), ConnectionProperties::default()).await.expect("AMQP_URL answers");
    let mut lengths = Vec::new();
    for name in queues {
        // A channel each: a queue that is not there closes its channel.
        let channel = connection.create_channel().await.expect("a new channel");
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let queue = channel.queue_declare(name.as_str().into(), passive, FieldTable::default()).await;
        lengths.push((name.clone(), queue.map_or(0, |queue| queue.message_count())));
    }
    lengths
}
