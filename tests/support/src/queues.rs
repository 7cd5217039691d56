use lapin::{
    Channel, Connection, ConnectionProperties,
    options::{
        BasicGetOptions, ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
    },
    types::FieldTable,
};

/// How many messages are ready in each of the queues; a queue that is not there has none.
pub async fn ready_messages(amqp_url: &str, queues: &[String]) -> Vec<(String, u32)> {
    let connection = connect(amqp_url).await;
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

/// Deletes queues and exchanges, whatever they hold; those that are not there are no fault. Three open files of the
/// broker belong to each quorum queue, and where it has none left it answers nobody.
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

/// Gets a copy of what is published to an exchange.
pub struct Tap {
    _connection: Connection,
    channel: Channel,
    queue: String,
}

impl Tap {
    /// Of a direct exchange that exists, what is published with one of `keys`.
    pub async fn open(amqp_url: &str, exchange: &str, keys: &[String]) -> Self {
        let connection = connect(amqp_url).await;
        let channel = connection.create_channel().await.expect("a new channel");
        // Gone with the connection.
        let exclusive = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
        let queue = channel.queue_declare("".into(), exclusive, FieldTable::default()).await;
        let queue = queue.expect("a queue of our own").name().to_string();
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

    /// The bodies of what came so far.
    pub async fn bodies(&self) -> Vec<Vec<u8>> {
        let mut bodies = Vec::new();
        let options = BasicGetOptions { no_ack: true };
        while let Some(message) =
            self.channel.basic_get(self.queue.as_str().into(), options).await.expect("the connection stands")
        {
            bodies.push(message.delivery.data);
        }
        bodies
    }
}

async fn connect(amqp_url: &str) -> Connection {
    Connection::connect(amqp_url, ConnectionProperties::default()).await.expect("RabbitMQ answers")
}
