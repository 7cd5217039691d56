use super::*;

fn bad_key() -> ModelError {
    ModelError::Authentication { message: "no".into() }
}

#[tokio::test(start_paused = true)]
async fn an_error_that_stops_the_lane_is_not_tried_again() {
    let invoked = retry(Scripted::failing([bad_key()]))
        .invoke(&request(), &policy(), &Interrupts::default(), None)
        .await;

    assert_eq!(invoked.result, Err(Unanswered::LaneStopped { after: secs(300), error: bad_key() }));
    assert_eq!(invoked.attempts.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn with_another_key_a_refused_call_goes_on_at_once_and_uses_up_no_attempt() {
    let refused =
        || vec![Act::SendStream, Act::Availability(KeyAvailability::AnotherKey), Act::Fail(bad_key())];
    let client = retry(Scripted::new([refused(), refused(), vec![Act::SendStream, Act::Answer]]));
    let start = Instant::now();

    let none = CallPolicy { max_retries: 0, ..policy() };
    let invoked = client.invoke(&request(), &none, &Interrupts::default(), None).await;

    assert_eq!((invoked.result, invoked.attempts.len(), start.elapsed()), (Ok(four()), 3, secs(0)));
    assert_eq!(invoked.failures, 0);
}

/// After a run was resumed, all its jobs start at the same time, and only one of them may probe the key.
#[tokio::test(start_paused = true)]
async fn calls_that_begin_while_a_key_is_tried_wait_for_what_comes_of_it() {
    let key = Key { label: "only".into(), weight: 1, headers: HeaderMap::new(), authorizes: true };
    let answers = (0..3).map(|_| vec![Act::Wait(3), Act::Answer]);
    let refusals = [(); 2].map(|()| vec![Act::Fail(bad_key())]);
    let wire = Scripted::new(refusals.into_iter().chain(answers));
    let wiring = Wiring::new(Wired {
        identity: Identity { version: 1, connect_timeout: secs(1) },
        keys: Keys::new(vec![key]),
        seller: Seller::from(ProviderKind::Custom),
        inner: wire,
    });
    let client = retry(wiring);
    let invoke = || async { client.invoke(&request(), &policy(), &Interrupts::default(), None).await };
    assert!(matches!(invoke().await.result, Err(Unanswered::LaneStopped { .. })));
    client.inner.now().keys.reset_breakers();

    let invoked: [_; 3] = tokio::join!(invoke(), invoke(), invoke()).into();

    assert!(invoked.iter().all(|call| call.result == Ok(four())), "{invoked:?}");
    assert!(invoked.iter().all(|call| call.attempts.len() == 1), "waiting is no attempt: {invoked:?}");
    assert!(client.inner.now().keys.report()[0].set_aside.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_may_concern_the_request_alone_is_checked_after_a_wait_and_uses_up_no_retry() {
    let refused = |shown| vec![Act::SendStream, Act::Availability(shown), Act::Fail(bad_key())];
    let suspected = || refused(KeyAvailability::Suspected);
    let client = retry(Scripted::new([suspected(), suspected(), vec![Act::SendStream, Act::Answer]]));
    let none = CallPolicy { max_retries: 0, ..policy() };
    let start = Instant::now();

    let invoked = client.invoke(&request(), &none, &Interrupts::default(), None).await;

    assert_eq!((invoked.result, invoked.failures, start.elapsed()), (Ok(four()), 0, secs(3)));
}
