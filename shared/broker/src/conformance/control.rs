use super::fixture::{message, number};
use crate::{Broker, Heard, Listener};

async fn hear(listener: &mut dyn Listener) -> u32 {
    match listener.next().await {
        Some(Heard::Message(message)) => number(&message),
        other => panic!("{other:?}"),
    }
}

pub async fn a_broadcast_reaches_every_listener_and_nobody_after(broker: &dyn Broker) {
    let mut listeners = [broker.listen().await.unwrap(), broker.listen().await.unwrap()];

    broker.broadcast(message(1)).await.unwrap();
    let mut late = broker.listen().await.unwrap();
    broker.broadcast(message(2)).await.unwrap();

    for listener in &mut listeners {
        assert_eq!((hear(&mut **listener).await, hear(&mut **listener).await), (1, 2));
    }
    assert_eq!(hear(&mut *late).await, 2);
}

pub async fn a_process_is_present_while_it_listens(broker: &dyn Broker) {
    let listener = broker.listen().await.unwrap();
    let presence = listener.presence();

    assert!(broker.is_present(&presence).await.unwrap());
    assert!(!broker.is_present("nobody").await.unwrap());
    drop(listener);
    while broker.is_present(&presence).await.unwrap() {
        tokio::task::yield_now().await;
    }
}

pub async fn a_listener_hears_in_order(broker: &dyn Broker) {
    let mut listener = broker.listen().await.unwrap();

    for n in 0..50 {
        broker.broadcast(message(n)).await.unwrap();
    }

    for n in 0..50 {
        assert_eq!(hear(&mut *listener).await, n);
    }
}
