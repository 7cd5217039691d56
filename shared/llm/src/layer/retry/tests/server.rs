use super::*;

fn unreachable() -> ModelError {
    ModelError::Unreachable { message: "connection refused".into() }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_restarts_uses_up_neither_retries_nor_the_budget_and_is_no_call() {
    let starting = ModelError::Starting { message: "loading model".into() };
    let client = retry(Scripted::failing([unreachable(), unreachable(), starting, unreachable()]));
    while client.budget.withdraw() {}
    let none = CallPolicy { max_retries: 0, budget_percent: 0.0, ..policy() };

    let invoked = client.invoke(&request(), &none, &Interrupts::default(), None).await;

    assert_eq!((&invoked.result, invoked.failures), (&Ok(four()), 0));
    let unsent: Vec<_> = invoked.attempts.iter().map(|attempt| attempt.unsent).collect();
    assert_eq!(unsent, [true, true, false, true, false]);
    assert_eq!(invoked.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stays_away_defers_the_call_after_some_seconds() {
    let client = retry(Scripted::failing(std::iter::repeat_n(unreachable(), 100)));
    let start = Instant::now();

    let invoked = client.invoke(&request(), &policy(), &Interrupts::default(), None).await;

    assert_eq!(invoked.result, Err(Unanswered::Deferred { after: secs(5), error: unreachable() }));
    assert!(start.elapsed() <= secs(5) && start.elapsed() > secs(4), "{:?}", start.elapsed());
    assert_eq!((invoked.failures, invoked.latency, invoked.requests()), (0, secs(0), 0));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_was_closed_while_it_was_idle_uses_up_no_retry() {
    let closed = || ModelError::ClosedEarly { message: "closed".into() };
    let none = CallPolicy { max_retries: 0, ..policy() };
    let start = Instant::now();

    let answered = retry(Scripted::failing([closed(), closed()]));
    let answered = answered.invoke(&request(), &none, &Interrupts::default(), None).await;
    let failed = retry(Scripted::failing([(); 9].map(|()| closed())));
    let failed = failed.invoke(&request(), &none, &Interrupts::default(), None).await;

    assert_eq!((answered.result, answered.failures, start.elapsed()), (Ok(four()), 0, secs(0)));
    assert_eq!((failed.result, failed.attempts.len()), (Err(Unanswered::Failed(closed())), 3));
}
