use lapin::{
    Channel, Connection, ConnectionProperties,
    options::{
        BasicGetOptions, ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
    },
    types::FieldTable,
};

/// Counts the ready messages in each of the queues. A queue that does not exist has none.
pub async fn ready_messages(amqp_url: &str, queues: &[String]) -> Vec<(String, u32)> {
    let connection = connect(amqp_url).await;
    let mut lengths = Vec::new();
    for name in queues {
        // Each queue gets its own channel, because the broker closes a channel that declares a missing queue passively.
        let channel = connection.create_channel().await.expect("a new channel");
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let queue = channel.queue_declare(name.as_str().into(), passive, FieldTable::default()).await;
        lengths.push((name.clone(), queue.map_or(0, |queue| queue.message_count())));
    }
    lengths
}

/// Deletes queues with their messages, and exchanges. Those that do not exist are skipped. Tests must delete what they
/// declare: each quorum queue takes three of the broker's open files, and a broker without any left does not answer.
pub async fn delete_queues(amqp_url: &str, queues: &[String], exchanges: &[String]) {
    let connection = connect(amqp_url).await;
    let channel = connection.create_channel().await.expect("a new channel");
    for name in queues {
        let deleted = channel.queue_delete(name.as_str().into(), QueueDeleteOptions::default()).await;
        deleted.expect("any queue may be deleted");
    }
    for name in exchanges {
        let deleted = channel.exchange_delete(name.as_str().into(), ExchangeDeleteOptions::default()).await;
        deleted.expect("any exchange may be deleted");
    }
}

/// Receives copies of the messages that are published to an exchange.
pub struct Tap {
    _connection: Connection,
    channel: Channel,
    queue: String,
}

impl Tap {
    /// Starts to receive the messages that are published with one of `keys` to a direct exchange, which must exist.
    pub async fn open(amqp_url: &str, exchange: &str, keys: &[String]) -> Self {
        let connection = connect(amqp_url).await;
        let channel = connection.create_channel().await.expect("a new channel");
        // The broker deletes an exclusive queue when its connection ends.
        let exclusive = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
        let queue = channel.queue_declare("".into(), exclusive, FieldTable::default()).await;
        let queue = queue.expect("a new queue").name().to_string();
        for key in keys {
            let (options, arguments) = (QueueBindOptions::default(), FieldTable::default());
            let bound = channel.queue_bind(
                queue.as_str().into(),
                exchange.into(),
                key.as_str().into(),
                options,
                arguments,
            );
            bound.await.expect("the exchange exists");
        }
        Self { _connection: connection, channel, queue }
    }

    /// Returns the bodies of the messages that arrived so far.
    pub async fn bodies(&self) -> Vec<Vec<u8>> {
        let mut bodies = Vec::new();
        let options = BasicGetOptions { no_ack: true };
        while let Some(message) =
            self.channel.basic_get(self.queue.as_str().into(), options).await.expect("the connection is open")
        {
            bodies.push(message.delivery.data);
        }
        bodies
    }
}

async fn connect(amqp_url: &str) -> Connection {
    Connection::connect(amqp_url, ConnectionProperties::default()).await.expect("RabbitMQ answers")
}
