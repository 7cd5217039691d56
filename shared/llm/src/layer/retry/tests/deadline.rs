use super::*;

#[tokio::test(start_paused = true)]
async fn no_attempt_starts_after_the_deadline() {
    let at = |second| CallPolicy { deadline: Some(Timestamp::from_second(second).unwrap()), ..policy() };
    let lane = Arc::new(Lane::new(1));
    let passed = Err(Unanswered::Failed(ModelError::DeadlinePassed));

    // The deadline passed before the call.
    let client = retry(Permit { inner: Scripted::new([]), lane: Arc::clone(&lane), random: still() });
    let invoked = client.invoke(&request(), &at(1000), &Interrupts::default(), None).await;
    assert_eq!((invoked.result, invoked.attempts.len()), (passed.clone(), 0));

    // The deadline would pass during a backoff, so the call does not wait, and says why its attempt failed.
    let client =
        retry(Permit { inner: Scripted::failing([slow_down(20)]), lane: Arc::clone(&lane), random: still() });
    let start = Instant::now();
    let invoked = client.invoke(&request(), &at(1020), &Interrupts::default(), None).await;
    let limited = Err(Unanswered::Failed(slow_down(20)));
    assert_eq!((invoked.result, invoked.attempts.len(), start.elapsed()), (limited, 1, secs(0)));

    // The deadline passes while all slots are taken.
    let _held = lane.admit(&ASK).await.unwrap();
    let client = retry(Permit { inner: Scripted::new([]), lane: Arc::clone(&lane), random: still() });
    let start = Instant::now();
    let invoked = client.invoke(&request(), &at(1005), &Interrupts::default(), None).await;
    assert_eq!((invoked.result, start.elapsed()), (passed, secs(5)));
}

/// The only slot is taken by another call while the call waits to be tried again.
#[tokio::test(start_paused = true)]
async fn a_deadline_that_passes_before_a_retry_does_not_hide_the_error() {
    struct Taking(Scripted, Arc<Lane>);

    impl AttemptLayer for Taking {
        async fn attempt(&self, cx: Context<'_>) -> Result<ChatResponse, ModelError> {
            let answer = self.0.attempt(cx).await;
            let lane = Arc::clone(&self.1);
            tokio::spawn(async move {
                let _held = lane.admit(&ASK).await;
                sleep(secs(99)).await;
            });
            answer
        }
    }

    let lane = Arc::new(Lane::new(1));
    let inner = Taking(Scripted::failing([slow_down(1)]), Arc::clone(&lane));
    let client = retry(Permit { inner, lane, random: still() });
    let deadline = Some(Timestamp::from_second(1_010).unwrap());

    let invoked =
        client.invoke(&request(), &CallPolicy { deadline, ..policy() }, &Interrupts::default(), None).await;

    assert_eq!(invoked.result, Err(Unanswered::Failed(slow_down(1))));
    assert_eq!((invoked.attempts.len(), invoked.latency), (1, secs(10)));
}

#[tokio::test(start_paused = true)]
async fn a_hung_server_is_blamed_though_the_deadline_is_as_long_as_its_time() {
    let client = retry(Timeout { inner: Scripted::acting(&[Act::SendBuffered, Act::Wait(9999)]) });
    let deadline = Some(Timestamp::from_second(1_060).unwrap());
    let minute = CallPolicy { deadline, total: secs(60), ..policy() };

    let invoked = client.invoke(&request(), &minute, &Interrupts::default(), None).await;

    assert_eq!(invoked.result, Err(Unanswered::Failed(ModelError::TimedOut(TimeoutPhase::Total))));
}
