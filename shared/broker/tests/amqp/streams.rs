//! Tests of streams of answers: what a requester and an answerer notice when the other is gone, and how long a hop
//! takes.

use std::time::{Duration, Instant};

use runmill_broker::{
    Broker, Queue,
    amqp::{AmqpBroker, AmqpSettings},
};
use runmill_proto::ProviderId;
use runmill_testkit::{Proxy, amqp_url};
use uuid::Uuid;

use super::{faults::within, message, number, settings};

fn calls() -> Queue {
    Queue::Calls(ProviderId::from_uuid(Uuid::now_v7()))
}

/// Returns a broker for a requester and one for an answerer, with the same queues.
async fn pair(requester_url: &str) -> (AmqpBroker, AmqpBroker) {
    let answerer = settings(&amqp_url());
    let requester = AmqpSettings { prefix: answerer.prefix.clone(), ..settings(requester_url) };
    (AmqpBroker::connect(requester).await.unwrap(), AmqpBroker::connect(answerer).await.unwrap())
}

#[tokio::test]
async fn a_requester_that_lost_its_connection_hears_the_end_and_its_answerer_that_nobody_waits() {
    let (proxy, url) = Proxy::before(&amqp_url()).await.unwrap();
    let (requester, answerer) = pair(&url).await;
    let queue = calls();
    let mut taken = answerer.subscribe(queue, 1).await.unwrap();
    let mut answers = requester.request_stream(queue, message(1)).await.unwrap();
    let call = within("the call", taken.next()).await.unwrap();
    assert!(call.reply(message(2)).await.unwrap());
    assert_eq!(within("an answer", answers.next()).await.map(|answer| number(&answer)), Some(2));

    proxy.cut();

    assert!(within("the end", answers.next()).await.is_none());
    within("the notice", async { while call.reply(message(3)).await.unwrap() {} }).await;
    call.ack().await.unwrap();
    within("another call", async {
        loop {
            // While the connections are down, requests and their answers may be lost.
            let Ok(mut answers) = requester.request_stream(queue, message(4)).await else { continue };
            let call = taken.next().await.unwrap();
            let waited = call.reply(message(5)).await.unwrap();
            call.ack().await.unwrap();
            if waited && answers.next().await.is_some() {
                return;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_requester_whose_process_ended_no_longer_waits() {
    let (requester, answerer) = pair(&amqp_url()).await;
    let queue = calls();
    let mut taken = answerer.subscribe(queue, 1).await.unwrap();
    let _answers = requester.request_stream(queue, message(1)).await.unwrap();
    let call = within("the call", taken.next()).await.unwrap();

    requester.close().await;

    within("the notice", async { while call.reply(message(2)).await.unwrap() {} }).await;
}

#[tokio::test]
async fn an_answer_for_which_nobody_waits_is_a_stray_one() {
    let (requester, answerer) = pair(&amqp_url()).await;
    let queue = calls();
    let mut strays = requester.stray_answers().await.unwrap();
    let mut taken = answerer.subscribe(queue, 2).await.unwrap();
    let gone = requester.request_stream(queue, message(1)).await.unwrap();
    let mut waiting = requester.request_stream(queue, message(2)).await.unwrap();
    let first = within("a call", taken.next()).await.unwrap();
    let second = within("a call", taken.next()).await.unwrap();

    drop(gone);
    second.reply(message(20)).await.unwrap();
    first.reply(message(10)).await.unwrap();

    assert_eq!(within("a stray one", strays.next()).await.map(|answer| number(&answer)), Some(10));
    assert_eq!(within("an answer", waiting.next()).await.map(|answer| number(&answer)), Some(20));
}

/// Prints the times of a call and of its answers. Run it with `--ignored --nocapture` in a release build.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it measures"]
async fn the_times_of_a_hop() {
    const ROUNDS: usize = 2_000;
    let (requester, answerer) = pair(&amqp_url()).await;
    let queue = calls();
    let mut taken = answerer.subscribe(queue, 8).await.unwrap();
    let answering = tokio::spawn(async move {
        for _ in 0..ROUNDS {
            let call = taken.next().await.unwrap();
            call.reply(message(0)).await.unwrap();
            call.reply(message(1)).await.unwrap();
            call.ack().await.unwrap();
        }
    });
    let (mut firsts, mut seconds, mut confirms) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let mut answers = requester.request_stream(queue, message(0)).await.unwrap();
        confirms.push(start.elapsed());
        answers.next().await.unwrap();
        firsts.push(start.elapsed());
        answers.next().await.unwrap();
        seconds.push(start.elapsed());
    }
    answering.await.unwrap();
    for (what, times) in [("confirm of a call", confirms), ("first answer", firsts), ("second", seconds)] {
        println!("{what}: {}", percentiles(times));
    }
}

fn percentiles(mut times: Vec<Duration>) -> String {
    times.sort();
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    format!("p50 {:?}, p90 {:?}, p99 {:?}", at(50), at(90), at(99))
}
