use std::time::{Duration, Instant};

use runmill_broker::{
    Broker, BrokerError,
    amqp::{AmqpBroker, AmqpSettings},
};
use runmill_testkit::{DeadPort, amqp_url};
use tokio::net::TcpListener;

use super::{lane, settings};

/// Time within which a user of a cluster is told that the broker cannot be reached.
const PROMISED: Duration = Duration::from_secs(10);

async fn refused(url: &str) -> BrokerError {
    let started = Instant::now();
    let error = AmqpBroker::connect(AmqpSettings::new(url)).await.err().expect("no connection");
    assert!(started.elapsed() < PROMISED, "{:?}", started.elapsed());
    error
}

#[tokio::test]
async fn a_wrong_password_is_said_and_not_shown() {
    let url = amqp_url().replacen("guest:guest", "guest:hunter2", 1);

    let error = refused(&url).await.to_string();

    assert!(error.contains("ACCESS_REFUSED") && !error.contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_named() {
    let nobody = DeadPort::take();
    let free = nobody.address().to_string();

    let error = refused(&format!("amqp://me:hunter2@{free}/%2f")).await;

    assert!(matches!(error, BrokerError::Unreachable { ref address, .. } if *address == free));
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();

    let error = refused(&format!("amqp://me:hunter2@{}/%2f", silent.local_addr().unwrap())).await;

    assert!(error.to_string().contains("no answer within 8s"), "{error}");
}

#[tokio::test]
async fn a_text_that_is_no_url_is_not_repeated() {
    let error = refused("amqp-hunter2").await;

    assert!(matches!(error, BrokerError::BadUrl) && !error.to_string().contains("hunter2"), "{error}");
}

/// A queue that exists with other arguments is an error in the settings, so no retry is made.
#[tokio::test]
async fn a_queue_declared_otherwise_is_refused() {
    let settings = settings(&amqp_url());
    let queue = lane();
    AmqpBroker::connect(settings.clone()).await.unwrap().declare(queue).await.unwrap();
    let other = AmqpSettings { queue_length_max: settings.queue_length_max + 1, ..settings };
    let other = AmqpBroker::connect(other).await.unwrap();

    let declared = other.declare(queue).await;
    let subscribed = other.subscribe(queue, 1).await.err();

    for error in [declared.unwrap_err(), subscribed.unwrap()] {
        assert!(matches!(error, BrokerError::Refused { .. }), "{error}");
        assert!(error.to_string().contains("PRECONDITION_FAILED"), "{error}");
    }
}
