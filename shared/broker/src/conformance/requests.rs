use std::time::Duration;

use futures::future::join_all;

use super::fixture::{Fixture, message, number, take_one};
use crate::{Broker, Queue, RequestError};

const LONG: Duration = Duration::from_secs(20);

pub async fn an_answer_reaches_who_asked(broker: &dyn Broker) {
    let mut requests = broker.subscribe(Queue::Requests, 1).await.unwrap();
    let answering = async {
        let request = take_one(&mut *requests).await;
        request.reply(message(number(&request.message) + 1)).await.unwrap();
        request.ack().await.unwrap();
    };

    let (answer, ()) = tokio::join!(broker.request(message(41), LONG), answering);

    assert_eq!(number(&answer.unwrap()), 42);
}

pub async fn an_answer_to_a_message_that_is_no_request_is_not_an_error(broker: &dyn Broker) {
    let fixture = Fixture::new(broker).await;
    fixture.publish(0..1).await;
    let delivery = take_one(&mut *fixture.subscribe(1).await).await;

    delivery.reply(message(1)).await.unwrap();
}

pub async fn answers_reach_the_right_askers(broker: &dyn Broker) {
    let mut requests = broker.subscribe(Queue::Requests, 20).await.unwrap();
    let answering = async {
        let mut taken = Vec::new();
        while taken.len() < 20 {
            taken.push(take_one(&mut *requests).await);
        }
        for request in taken.into_iter().rev() {
            request.reply(message(number(&request.message) * 2)).await.unwrap();
            request.ack().await.unwrap();
        }
    };

    let asking = join_all((0..20).map(|n| broker.request(message(n), LONG)));
    let (answers, ()) = tokio::join!(asking, answering);

    let answers: Vec<_> = answers.into_iter().map(|answer| number(&answer.unwrap())).collect();
    assert_eq!(answers, (0..20).map(|n| n * 2).collect::<Vec<_>>());
}

pub async fn a_request_that_nobody_answers_times_out(broker: &dyn Broker) {
    let _requests = broker.subscribe(Queue::Requests, 1).await.unwrap();

    let answer = broker.request(message(1), Duration::from_millis(300)).await;

    assert!(matches!(answer, Err(RequestError::NoAnswer(_))), "{answer:?}");
}

pub async fn answering_someone_who_has_gone_is_not_an_error(broker: &dyn Broker) {
    let mut requests = broker.subscribe(Queue::Requests, 1).await.unwrap();
    let (answer, request) =
        tokio::join!(broker.request(message(1), Duration::from_secs(1)), take_one(&mut *requests));
    assert!(answer.is_err());

    request.reply(message(2)).await.unwrap();

    request.ack().await.unwrap();
}
