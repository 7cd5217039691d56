use std::sync::Arc;

use http::HeaderMap;
use jiff::Timestamp;
use runmill_pricing::{PriceTable, Seller};
use runmill_proto::{
    ErrorKind, Usage,
    api::{ProviderKind, Settings},
};
use runmill_quota::{Ask, Lane};

use super::*;
use crate::layer::{
    permit::Permit,
    scripted::{Act, Scripted, four, policy, request, secs},
    timeout::Timeout,
    wiring::{Identity, Wired, Wiring},
};
use crate::{
    CallPolicy, Metered, TimeoutPhase,
    keys::{Key, KeyAvailability, Keys},
};

const ASK: Ask<'_> = Ask { model: "m", estimated_tokens: 0 };

fn retry<A>(inner: A) -> Retry<A> {
    let epoch = Timestamp::from_second(1_000).unwrap();
    Retry {
        inner,
        clock: Clock::fixed(epoch),
        random: Arc::new(|| 0.0),
        budget: RetryBudget::default(),
        prices: Arc::default(),
    }
}

fn slow_down(seconds: u64) -> ModelError {
    ModelError::RateLimited { message: "slow down".into(), after: Some(secs(seconds)) }
}

fn broken() -> ModelError {
    ModelError::ServerError { status: 500, message: "oops".into(), after: None }
}

fn bad_key() -> ModelError {
    ModelError::Authentication { message: "no".into() }
}

#[tokio::test(start_paused = true)]
async fn a_retry_waits_as_long_as_the_provider_asks() {
    let start = Instant::now();

    let invoked =
        retry(Scripted::failing([slow_down(20)])).invoke(&request(), &policy(), &Interrupts::default()).await;

    assert_eq!(invoked.result, Ok(four()));
    assert_eq!(start.elapsed(), secs(20));
}

#[tokio::test(start_paused = true)]
async fn a_sleeping_retry_holds_no_slot() {
    let wire =
        Scripted::new([vec![Act::Fail(slow_down(20))], vec![Act::Wait(1), Act::Answer], vec![Act::Answer]]);
    let client = retry(Permit { inner: wire, lane: Arc::new(Lane::new(1)) });
    let start = Instant::now();
    let timed = async |client: &Retry<Permit<Scripted>>| {
        assert_eq!(client.invoke(&request(), &policy(), &Interrupts::default()).await.result, Ok(four()));
        start.elapsed()
    };

    let (slept, other) = tokio::join!(timed(&client), timed(&client));

    assert_eq!((slept, other), (secs(20), secs(1)));
}

#[tokio::test(start_paused = true)]
async fn a_wait_above_the_maximum_defers_without_sleeping() {
    let start = Instant::now();

    let invoked =
        retry(Scripted::failing([slow_down(31)])).invoke(&request(), &policy(), &Interrupts::default()).await;

    assert_eq!(invoked.result, Err(Unanswered::Deferred { after: secs(31), error: slow_down(31) }));
    assert_eq!(start.elapsed(), secs(0));
    assert_eq!(invoked.attempts.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn attempts_end_with_the_budget() {
    let invoked = retry(Scripted::failing([(); 9].map(|()| broken())))
        .invoke(&request(), &policy(), &Interrupts::default())
        .await;

    assert_eq!(invoked.result, Err(Unanswered::Failed(broken())));
    assert_eq!(invoked.attempts.len(), 5);
}

#[tokio::test(start_paused = true)]
async fn an_error_that_stops_the_lane_is_not_tried_again() {
    let invoked =
        retry(Scripted::failing([bad_key()])).invoke(&request(), &policy(), &Interrupts::default()).await;

    assert_eq!(invoked.result, Err(Unanswered::LaneStopped { after: secs(300), error: bad_key() }));
    assert_eq!(invoked.attempts.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn every_attempt_is_recorded_with_its_time() {
    let wire = Scripted::new([
        vec![Act::SendStream, Act::Wait(2), Act::Fail(slow_down(10))],
        vec![Act::SendStream, Act::Wait(3), Act::Token, Act::Wait(4), Act::Answer],
    ]);

    let invoked = retry(wire).invoke(&request(), &policy(), &Interrupts::default()).await;

    let times: Vec<_> =
        invoked.attempts.iter().map(|a| (a.started_at.as_second(), a.latency_ms, a.error_kind)).collect();
    assert_eq!(times, [(1000, 2000, Some(ErrorKind::RateLimited)), (1012, 7000, None)]);
    assert_eq!(invoked.started_at.as_second(), 1000);
    assert_eq!((invoked.latency, invoked.ttft), (secs(19), Some(secs(3))));
    assert!(invoked.streamed);
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_slot_is_not_part_of_an_attempt() {
    let lane = Arc::new(Lane::new(1));
    let held = lane.admit(&ASK).await.unwrap();
    let client = retry(Permit { inner: Scripted::acting(&[Act::Wait(2), Act::Answer]), lane });

    let (request, policy, interrupts) = (request(), policy(), Interrupts::default());
    let (invoked, ()) = tokio::join!(client.invoke(&request, &policy, &interrupts), async {
        sleep(secs(50)).await;
        drop(held);
    });

    assert_eq!(invoked.started_at.as_second(), 1050);
    assert_eq!((invoked.latency, invoked.attempts[0].latency_ms), (secs(2), 2000));
}

#[tokio::test(start_paused = true)]
async fn no_attempt_starts_after_the_deadline() {
    let at = |second| CallPolicy { deadline: Some(Timestamp::from_second(second).unwrap()), ..policy() };
    let lane = Arc::new(Lane::new(1));
    let passed = Err(Unanswered::Failed(ModelError::DeadlinePassed));

    // The deadline passed before the call.
    let client = retry(Permit { inner: Scripted::new([]), lane: Arc::clone(&lane) });
    let invoked = client.invoke(&request(), &at(1000), &Interrupts::default()).await;
    assert_eq!((invoked.result, invoked.attempts.len()), (passed.clone(), 0));

    // The deadline would pass during a backoff, so the call does not wait, and says why its attempt failed.
    let client = retry(Permit { inner: Scripted::failing([slow_down(20)]), lane: Arc::clone(&lane) });
    let start = Instant::now();
    let invoked = client.invoke(&request(), &at(1020), &Interrupts::default()).await;
    let limited = Err(Unanswered::Failed(slow_down(20)));
    assert_eq!((invoked.result, invoked.attempts.len(), start.elapsed()), (limited, 1, secs(0)));

    // The deadline passes while all slots are taken.
    let _held = lane.admit(&ASK).await.unwrap();
    let client = retry(Permit { inner: Scripted::new([]), lane: Arc::clone(&lane) });
    let start = Instant::now();
    let invoked = client.invoke(&request(), &at(1005), &Interrupts::default()).await;
    assert_eq!((invoked.result, start.elapsed()), (passed, secs(5)));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_gives_its_slot_back() {
    let lane = Arc::new(Lane::new(1));
    let client = retry(Permit { inner: Scripted::acting(&[Act::Wait(99)]), lane: Arc::clone(&lane) });

    let call =
        tokio::time::timeout(secs(1), client.invoke(&request(), &policy(), &Interrupts::default())).await;

    assert!(call.is_err());
    assert_eq!(lane.in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn tokens_of_failed_attempts_are_counted() {
    /// A layer that fails once, after the provider counted tokens, and then answers.
    struct Billed(std::sync::atomic::AtomicBool);

    impl AttemptLayer for Billed {
        async fn attempt(&self, cx: Context<'_>) -> Result<ChatResponse, ModelError> {
            cx.tracker.began();
            cx.tracker.sent(true);
            let usage = Some(Usage { prompt_tokens: 10, completion_tokens: 1, ..Usage::default() });
            if self.0.swap(true, std::sync::atomic::Ordering::Relaxed) {
                return Ok(ChatResponse { usage, ..four() });
            }
            cx.tracker.usage(Metered { usage, ..Metered::default() });
            Err(ModelError::TruncatedStream)
        }
    }

    let invoked = retry(Billed(false.into())).invoke(&request(), &policy(), &Interrupts::default()).await;

    let sum = Usage { prompt_tokens: 20, completion_tokens: 2, ..Usage::default() };
    assert_eq!(invoked.usage, Some(sum));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_its_slot_can_be_given_to_another() {
    let lane = Arc::new(Lane::new(1));
    let _taken = lane.admit(&ASK).await.unwrap();
    let client = retry(Permit { inner: Scripted::failing([]), lane });
    let interrupts = Interrupts::default();
    interrupts.before_start.cancel();

    let invoked = client.invoke(&request(), &policy(), &interrupts).await;

    assert_eq!((invoked.result, invoked.attempts.len()), (Err(Unanswered::Interrupted), 0));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_has_started_is_left_alone_until_it_must_end_at_once() {
    let interrupts = Interrupts::default();
    let client = retry(Scripted::failing([slow_down(20)]));
    let invoking = async { client.invoke(&request(), &policy(), &interrupts).await };
    let ending = async {
        sleep(secs(1)).await;
        interrupts.before_start.cancel();
        sleep(secs(4)).await;
        interrupts.at_once.cancel();
    };

    let (invoked, ()) = tokio::join!(invoking, ending);

    assert_eq!(invoked.result, Err(Unanswered::Interrupted));
    assert_eq!(invoked.attempts[0].error_kind, Some(ErrorKind::RateLimited));
    assert_eq!(invoked.latency, secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_changed_policy_holds_for_a_call_that_waits_to_be_tried_again() {
    /// A policy that allows four retries at first, and then none.
    struct Changing(std::sync::atomic::AtomicBool);

    impl PolicySource for Changing {
        fn policy(&self) -> CallPolicy {
            let asked_before = self.0.swap(true, std::sync::atomic::Ordering::Relaxed);
            CallPolicy { max_retries: if asked_before { 0 } else { 4 }, ..policy() }
        }
    }

    let client = retry(Scripted::failing([broken(), broken(), broken()]));
    let invoked = client.invoke(&request(), &Changing(false.into()), &Interrupts::default()).await;

    assert_eq!((invoked.result, invoked.attempts.len()), (Err(Unanswered::Failed(broken())), 2));
}

#[tokio::test(start_paused = true)]
async fn with_another_key_a_refused_call_goes_on_at_once_and_uses_up_no_attempt() {
    let refused =
        || vec![Act::SendStream, Act::Availability(KeyAvailability::AnotherKey), Act::Fail(bad_key())];
    let client = retry(Scripted::new([refused(), refused(), vec![Act::SendStream, Act::Answer]]));
    let start = Instant::now();

    let none = CallPolicy { max_retries: 0, ..policy() };
    let invoked = client.invoke(&request(), &none, &Interrupts::default()).await;

    assert_eq!((invoked.result, invoked.attempts.len(), start.elapsed()), (Ok(four()), 3, secs(0)));
    assert_eq!(invoked.failures, 0);
}

#[tokio::test(start_paused = true)]
async fn retries_of_all_calls_share_one_budget() {
    let broken_calls = std::iter::repeat_n(broken(), 1_000);
    let client = retry(Scripted::failing(broken_calls));

    let mut attempts = 0;
    let mut deferred = 0;
    for _ in 0..100 {
        let invoked = client.invoke(&request(), &policy(), &Interrupts::default()).await;
        attempts += invoked.attempts.len();
        deferred += usize::from(matches!(invoked.result, Err(Unanswered::Deferred { .. })));
    }

    // The budget is a reserve of ten, and a fifth of a hundred calls.
    assert_eq!(attempts, 100 + 30);
    assert!(deferred > 90, "{deferred}");
}

#[tokio::test(start_paused = true)]
async fn every_attempt_is_priced_failed_ones_included() {
    struct Sold(std::sync::atomic::AtomicBool);

    impl AttemptLayer for Sold {
        async fn attempt(&self, cx: Context<'_>) -> Result<ChatResponse, ModelError> {
            cx.tracker.began();
            cx.tracker.sent(true);
            cx.tracker.chosen(&"main".into(), ProviderKind::Openai.into());
            let usage = Usage { prompt_tokens: 1_000, completion_tokens: 10, ..Usage::default() };
            cx.tracker.usage(usage.into());
            if self.0.swap(true, std::sync::atomic::Ordering::Relaxed) {
                Ok(ChatResponse { usage: Some(usage), ..four() })
            } else {
                Err(broken())
            }
        }
    }

    let table = r#"{"models": {"openai/m": {"input": 2.5, "output": 10}}}"#;
    let prices = Arc::new(PriceTable::load(table).unwrap());
    let client = Retry { prices, ..retry(Sold(false.into())) };

    let invoked = client.invoke(&request(), &policy(), &Interrupts::default()).await;

    // 1,000 tokens cost 2.5 dollars a million, 10 tokens cost 10 dollars a million.
    let costs: Vec<_> = invoked.attempts.iter().map(|attempt| attempt.cost_nanousd).collect();
    assert_eq!(costs, [Some(2_600_000); 2]);
    assert_eq!(invoked.cost_nanousd(), Some(5_200_000));
}

#[tokio::test(start_paused = true)]
async fn a_cost_that_is_known_in_part_is_unknown_with_the_reason() {
    struct Spoken;

    impl AttemptLayer for Spoken {
        async fn attempt(&self, cx: Context<'_>) -> Result<ChatResponse, ModelError> {
            cx.tracker.began();
            cx.tracker.sent(true);
            cx.tracker.chosen(&"main".into(), ProviderKind::Openai.into());
            let usage =
                Usage { prompt_tokens: 10, completion_tokens: 5, audio_output_tokens: 5, ..Usage::default() };
            Ok(ChatResponse { usage: Some(usage), ..four() })
        }
    }

    let table = r#"{"models": {"openai/m": {"input": 2.5, "output": 10}}}"#;
    let client = Retry { prices: Arc::new(PriceTable::load(table).unwrap()), ..retry(Spoken) };

    let invoked = client.invoke(&request(), &policy(), &Interrupts::default()).await;

    let attempt = &invoked.attempts[0];
    let reason = "the price table has no price for audio tokens of the answer";
    assert_eq!((attempt.cost_nanousd, attempt.cost_unknown.as_deref()), (None, Some(reason)));
    assert_eq!(invoked.cost_nanousd(), None);
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
    let invoke = || async { client.invoke(&request(), &policy(), &Interrupts::default()).await };
    assert!(matches!(invoke().await.result, Err(Unanswered::LaneStopped { .. })));
    client.inner.now().keys.reset_breakers();

    let invoked: [_; 3] = tokio::join!(invoke(), invoke(), invoke()).into();

    assert!(invoked.iter().all(|call| call.result == Ok(four())), "{invoked:?}");
    assert!(invoked.iter().all(|call| call.attempts.len() == 1), "waiting is no attempt: {invoked:?}");
    assert!(client.inner.now().keys.report()[0].set_aside.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_fed_again_earns_no_more_retries() {
    let client = retry(Scripted::failing(std::iter::repeat_n(broken(), 1_000)));
    let fed_again = CallPolicy { failed_before: 1, budget_percent: 100.0, ..policy() };

    let mut retries = 0;
    for _ in 0..100 {
        let invoked = client.invoke(&request(), &fed_again, &Interrupts::default()).await;
        retries += invoked.attempts.len() - 1;
    }

    assert_eq!(retries, 10, "the reserve alone");
}

#[tokio::test(start_paused = true)]
async fn a_changed_limit_holds_for_a_call_that_waits_for_its_slot() {
    struct Changing(std::sync::Mutex<CallPolicy>);

    impl PolicySource for Changing {
        fn policy(&self) -> CallPolicy {
            self.0.lock().unwrap().clone()
        }
    }

    let lane = Arc::new(Lane::new(1));
    let held = lane.admit(&ASK).await.unwrap();
    let wire = Timeout { inner: Scripted::acting(&[Act::SendBuffered, Act::Wait(9999)]) };
    let client = retry(Permit { inner: wire, lane });
    let none = CallPolicy { max_retries: 0, ..policy() };
    let changing = Changing(none.clone().into());

    let (request, interrupts) = (request(), Interrupts::default());
    let (invoked, ()) = tokio::join!(client.invoke(&request, &changing, &interrupts), async {
        sleep(secs(50)).await;
        *changing.0.lock().unwrap() = CallPolicy { total: secs(7), ..none };
        drop(held);
    });

    let timed_out = ModelError::TimedOut(crate::TimeoutPhase::Total);
    assert_eq!((invoked.result, invoked.latency), (Err(Unanswered::Failed(timed_out)), secs(7)));
}

/// Compares [`Settings::longest_job`] with the layers that it describes: a rate limit asks for the longest wait,
/// every attempt reaches its total time-out, and every backoff is as long as possible.
#[tokio::test(start_paused = true)]
async fn a_job_takes_no_longer_than_its_settings_say() {
    let mut settings = Settings::default();
    settings.request.total_timeout_seconds = 8.0;
    settings.retry.max_retries = 5;
    settings.retry.backoff_base_seconds = 1.0;
    settings.retry.backoff_max_seconds = 1.0;
    settings.retry.wait_max_seconds = 1.0;
    let hang = vec![Act::SendStream, Act::Wait(9_999)];
    let limited = vec![Act::SendStream, Act::Fail(slow_down(0))];
    let hangs = Scripted::new([limited].into_iter().chain((0..=5).map(|_| hang.clone())));
    let client = Retry { random: Arc::new(|| 1.0), ..retry(Timeout { inner: hangs }) };
    let start = Instant::now();

    let invoked = client.invoke(&request(), &CallPolicy::from(&settings), &Interrupts::default()).await;

    assert_eq!(invoked.attempts.len(), 7);
    assert!(matches!(invoked.result, Err(Unanswered::Failed(ModelError::TimedOut(TimeoutPhase::Total)))));
    assert_eq!(start.elapsed(), settings.longest_job());
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
    let client = retry(Permit { inner, lane });
    let deadline = Some(Timestamp::from_second(1_010).unwrap());

    let invoked =
        client.invoke(&request(), &CallPolicy { deadline, ..policy() }, &Interrupts::default()).await;

    assert_eq!(invoked.result, Err(Unanswered::Failed(slow_down(1))));
    assert_eq!((invoked.attempts.len(), invoked.latency), (1, secs(10)));
}

#[tokio::test(start_paused = true)]
async fn a_hung_server_is_blamed_though_the_deadline_is_as_long_as_its_time() {
    let client = retry(Timeout { inner: Scripted::acting(&[Act::SendBuffered, Act::Wait(9999)]) });
    let deadline = Some(Timestamp::from_second(1_060).unwrap());
    let minute = CallPolicy { deadline, total: secs(60), ..policy() };

    let invoked = client.invoke(&request(), &minute, &Interrupts::default()).await;

    assert_eq!(invoked.result, Err(Unanswered::Failed(ModelError::TimedOut(TimeoutPhase::Total))));
}

fn unreachable() -> ModelError {
    ModelError::Unreachable { message: "connection refused".into() }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_restarts_uses_up_neither_retries_nor_the_budget_and_is_no_call() {
    let starting = ModelError::Starting { message: "loading model".into() };
    let client = retry(Scripted::failing([unreachable(), unreachable(), starting, unreachable()]));
    while client.budget.withdraw() {}
    let none = CallPolicy { max_retries: 0, budget_percent: 0.0, ..policy() };

    let invoked = client.invoke(&request(), &none, &Interrupts::default()).await;

    assert_eq!((&invoked.result, invoked.failures), (&Ok(four()), 0));
    let unsent: Vec<_> = invoked.attempts.iter().map(|attempt| attempt.unsent).collect();
    assert_eq!(unsent, [true, true, false, true, false]);
    assert_eq!(invoked.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stays_away_defers_the_call_after_some_seconds() {
    let client = retry(Scripted::failing(std::iter::repeat_n(unreachable(), 100)));
    let start = Instant::now();

    let invoked = client.invoke(&request(), &policy(), &Interrupts::default()).await;

    assert_eq!(invoked.result, Err(Unanswered::Deferred { after: secs(5), error: unreachable() }));
    assert!(start.elapsed() <= secs(5) && start.elapsed() > secs(4), "{:?}", start.elapsed());
    assert_eq!((invoked.failures, invoked.latency, invoked.requests()), (0, secs(0), 0));
}

#[tokio::test(start_paused = true)]
async fn what_a_server_would_repeat_is_asked_again_once() {
    let table = [ModelError::Malformed { message: "no".into() }, ModelError::EmptyAnswer { reasoned: true }];
    for error in table {
        let client = retry(Scripted::failing(std::iter::repeat_n(error.clone(), 9)));

        let invoked = client.invoke(&request(), &policy(), &Interrupts::default()).await;

        assert_eq!((invoked.result, invoked.attempts.len()), (Err(Unanswered::Failed(error)), 2));
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_was_closed_while_it_was_idle_uses_up_no_retry() {
    let closed = || ModelError::ClosedEarly { message: "closed".into() };
    let none = CallPolicy { max_retries: 0, ..policy() };
    let start = Instant::now();

    let answered = retry(Scripted::failing([closed(), closed()]));
    let answered = answered.invoke(&request(), &none, &Interrupts::default()).await;
    let failed = retry(Scripted::failing([(); 9].map(|()| closed())));
    let failed = failed.invoke(&request(), &none, &Interrupts::default()).await;

    assert_eq!((answered.result, answered.failures, start.elapsed()), (Ok(four()), 0, secs(0)));
    assert_eq!((failed.result, failed.attempts.len()), (Err(Unanswered::Failed(closed())), 3));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_may_concern_the_request_alone_is_checked_after_a_wait_and_uses_up_no_retry() {
    let refused = |shown| vec![Act::SendStream, Act::Availability(shown), Act::Fail(bad_key())];
    let suspected = || refused(KeyAvailability::Suspected);
    let client = retry(Scripted::new([suspected(), suspected(), vec![Act::SendStream, Act::Answer]]));
    let none = CallPolicy { max_retries: 0, ..policy() };
    let start = Instant::now();

    let invoked = client.invoke(&request(), &none, &Interrupts::default()).await;

    assert_eq!((invoked.result, invoked.failures, start.elapsed()), (Ok(four()), 0, secs(3)));
}
