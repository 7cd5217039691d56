//! Tests of the dead letters, which an operator reads, removes and puts back.

use lapin::{
    Connection, ConnectionProperties,
    options::{
        BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions,
        QueueDeclareOptions,
    },
    types::{AMQPValue, FieldTable, LongString},
};
use runmill_broker::{
    Broker, Queue,
    amqp::{AmqpBroker, AmqpSettings, DeadLetter, DeadLetters},
};
use runmill_testkit::amqp_url;

use super::{connect, lane, message, number, settings};

async fn read_all(letters: &mut DeadLetters) -> Vec<DeadLetter> {
    let mut all = Vec::new();
    while let Some(letter) = letters.next().await.unwrap() {
        all.push(letter);
    }
    all
}

async fn make_dead(broker: &AmqpBroker, queue: Queue, count: u32) {
    let mut subscription = broker.subscribe(queue, 1).await.unwrap();
    for n in 0..count {
        broker.publish(queue, message(n)).await.unwrap();
        subscription.next().await.unwrap().dead_letter("why").await.unwrap();
    }
}

#[tokio::test]
async fn dead_letters_are_read_once_each_and_are_still_there() {
    let broker = connect(&amqp_url()).await;
    let queue = lane();
    make_dead(&broker, queue, 3).await;

    for _ in 0..25 {
        let mut letters = broker.dead_letters().await.unwrap();
        let all = read_all(&mut letters).await;
        let numbers: Vec<_> = all.iter().map(|letter| number(&letter.message)).collect();
        assert_eq!(numbers, [0, 1, 2]);
        assert!(all.iter().all(|letter| letter.origin == Some(queue)));
        assert!(all.iter().all(|letter| letter.message.reason.as_deref() == Some("why")));
        drop(all);
        letters.close().await.unwrap();
    }
}

#[tokio::test]
async fn what_is_removed_is_gone_and_the_rest_is_not() {
    let broker = connect(&amqp_url()).await;
    make_dead(&broker, lane(), 50).await;
    let mut letters = broker.dead_letters().await.unwrap();
    for letter in read_all(&mut letters).await {
        if number(&letter.message) != 7 {
            letters.remove(letter).await.unwrap();
        }
    }
    letters.close().await.unwrap();

    let mut letters = broker.dead_letters().await.unwrap();
    let left: Vec<_> = read_all(&mut letters).await.iter().map(|letter| number(&letter.message)).collect();
    assert_eq!(left, [7]);
}

/// Makes the queue of dead letters as earlier releases did, with messages in it.
async fn old_queue(settings: &AmqpSettings, messages: u8) -> String {
    let connection = Connection::connect(&amqp_url(), ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    let name = format!("{}.dead", settings.prefix);
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString(LongString::from("quorum")));
    arguments.insert("x-overflow".into(), AMQPValue::LongString(LongString::from("reject-publish")));
    let durable = QueueDeclareOptions::durable();
    channel.queue_declare(name.as_str().into(), durable, arguments).await.unwrap();
    let exchange = ExchangeDeclareOptions { durable: true, auto_delete: true, ..Default::default() };
    let kind = lapin::ExchangeKind::Fanout;
    channel.exchange_declare(name.as_str().into(), kind, exchange, FieldTable::default()).await.unwrap();
    let options = QueueBindOptions::default();
    let bound = channel.queue_bind(
        name.as_str().into(),
        name.as_str().into(),
        "".into(),
        options,
        FieldTable::default(),
    );
    bound.await.unwrap();
    for n in 0..messages {
        let mut headers = FieldTable::default();
        headers.insert("x-runmill-reason".into(), AMQPValue::LongString(LongString::from("old")));
        let properties = lapin::BasicProperties::default().with_headers(headers);
        let body = [0, 0, 0, n];
        let published = channel.basic_publish(
            name.as_str().into(),
            "".into(),
            BasicPublishOptions::default(),
            &body,
            properties,
        );
        published.await.unwrap().await.unwrap();
    }
    name
}

#[tokio::test]
async fn dead_letters_of_an_earlier_release_are_moved_over() {
    let settings = settings(&amqp_url());
    let old = old_queue(&settings, 40).await;
    let broker = AmqpBroker::connect(settings.clone()).await.unwrap();

    assert_eq!(broker.move_old_dead_letters().await.unwrap(), 40);

    assert_eq!(broker.move_old_dead_letters().await.unwrap(), 0, "the old queue is gone");
    let connection = Connection::connect(&amqp_url(), ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let passive = QueueDeclareOptions::durable().passive();
    let found = channel.queue_declare(old.as_str().into(), passive, FieldTable::default()).await;
    assert!(found.is_err(), "the old queue is deleted");
    let mut letters = broker.dead_letters().await.unwrap();
    let all = read_all(&mut letters).await;
    assert_eq!(
        all.iter().map(|letter| number(&letter.message)).collect::<Vec<_>>(),
        (0..40).collect::<Vec<_>>()
    );
    assert!(all.iter().all(|letter| letter.message.reason.as_deref() == Some("old")));
}
