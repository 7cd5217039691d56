mod budget;
mod cost;
mod deadline;
mod delivered;
mod keys;
mod server;

use std::sync::Arc;

use http::HeaderMap;
use jiff::Timestamp;
use runmill_pricing::{PriceTable, Seller};
use runmill_proto::{
    ErrorKind, Usage,
    api::{ProviderKind, Settings},
};
use runmill_quota::{Ask, Class, Lane};

use super::*;
use crate::layer::{
    permit::Permit,
    scripted::{Act, Scripted, four, policy, request, secs, still},
    timeout::Timeout,
    wiring::{Identity, Wired, Wiring},
};
use crate::{
    CallPolicy, Metered, TimeoutPhase,
    keys::{Key, KeyAvailability, Keys},
};

const ASK: Ask<'_> = Ask { model: "m", estimated_tokens: 0, open_for: Duration::ZERO, class: Class::Run };

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

#[tokio::test(start_paused = true)]
async fn a_retry_waits_as_long_as_the_provider_asks() {
    let start = Instant::now();

    let invoked = retry(Scripted::failing([slow_down(20)]))
        .invoke(&request(), &policy(), &Interrupts::default(), None)
        .await;

    assert_eq!(invoked.result, Ok(four()));
    assert_eq!(start.elapsed(), secs(20));
}

#[tokio::test(start_paused = true)]
async fn a_sleeping_retry_holds_no_slot() {
    // A rate limit would pause the whole lane.
    let busy = ModelError::Overloaded { message: "busy".into(), after: Some(secs(20)) };
    let wire = Scripted::new([vec![Act::Fail(busy)], vec![Act::Wait(1), Act::Answer], vec![Act::Answer]]);
    let client = retry(Permit { inner: wire, lane: Arc::new(Lane::new(1)), random: still() });
    let start = Instant::now();
    let timed = async |client: &Retry<Permit<Scripted>>| {
        assert_eq!(
            client.invoke(&request(), &policy(), &Interrupts::default(), None).await.result,
            Ok(four())
        );
        start.elapsed()
    };

    let (slept, other) = tokio::join!(timed(&client), timed(&client));

    assert_eq!((slept, other), (secs(20), secs(1)));
}

#[tokio::test(start_paused = true)]
async fn a_wait_above_the_maximum_defers_without_sleeping() {
    let start = Instant::now();

    let invoked = retry(Scripted::failing([slow_down(31)]))
        .invoke(&request(), &policy(), &Interrupts::default(), None)
        .await;

    assert_eq!(invoked.result, Err(Unanswered::Deferred { after: secs(31), error: slow_down(31) }));
    assert_eq!(start.elapsed(), secs(0));
    assert_eq!(invoked.attempts.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_refused_waits_for_its_turn_only_so_long() {
    let lane = Arc::new(Lane::new(1));
    let client =
        retry(Permit { inner: Scripted::failing([slow_down(1)]), lane: lane.clone(), random: still() });
    let start = Instant::now();
    let (request, policy, interrupts) = (request(), policy(), Interrupts::default());
    let waiting =
        async { (client.invoke(&request, &policy, &interrupts, None).await.result, start.elapsed()) };
    let other = async {
        let _held = lane.admit(&ASK).await.unwrap();
        sleep(secs(99)).await;
    };

    let ((result, waited), ()) = tokio::join!(waiting, other);

    assert_eq!(result, Err(Unanswered::Deferred { after: policy.backoff_base, error: slow_down(1) }));
    assert_eq!(waited, secs(31));
}

#[tokio::test(start_paused = true)]
async fn attempts_end_with_the_budget() {
    let invoked = retry(Scripted::failing([(); 9].map(|()| broken())))
        .invoke(&request(), &policy(), &Interrupts::default(), None)
        .await;

    assert_eq!(invoked.result, Err(Unanswered::Failed(broken())));
    assert_eq!(invoked.attempts.len(), 5);
}

#[tokio::test(start_paused = true)]
async fn every_attempt_is_recorded_with_its_time() {
    let wire = Scripted::new([
        vec![Act::SendStream, Act::Wait(2), Act::Fail(slow_down(10))],
        vec![Act::SendStream, Act::Wait(3), Act::Token, Act::Wait(4), Act::Answer],
    ]);

    let invoked = retry(wire).invoke(&request(), &policy(), &Interrupts::default(), None).await;

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
    let client =
        retry(Permit { inner: Scripted::acting(&[Act::Wait(2), Act::Answer]), lane, random: still() });

    let (request, policy, interrupts) = (request(), policy(), Interrupts::default());
    let (invoked, ()) = tokio::join!(client.invoke(&request, &policy, &interrupts, None), async {
        sleep(secs(50)).await;
        drop(held);
    });

    assert_eq!(invoked.started_at.as_second(), 1050);
    assert_eq!((invoked.latency, invoked.attempts[0].latency_ms), (secs(2), 2000));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_gives_its_slot_back() {
    let lane = Arc::new(Lane::new(1));
    let client =
        retry(Permit { inner: Scripted::acting(&[Act::Wait(99)]), lane: Arc::clone(&lane), random: still() });

    let call =
        tokio::time::timeout(secs(1), client.invoke(&request(), &policy(), &Interrupts::default(), None))
            .await;

    assert!(call.is_err());
    assert_eq!(lane.in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_its_slot_can_be_given_to_another() {
    let lane = Arc::new(Lane::new(1));
    let _taken = lane.admit(&ASK).await.unwrap();
    let client = retry(Permit { inner: Scripted::failing([]), lane, random: still() });
    let interrupts = Interrupts::default();
    interrupts.before_start.cancel();

    let invoked = client.invoke(&request(), &policy(), &interrupts, None).await;

    assert_eq!((invoked.result, invoked.attempts.len()), (Err(Unanswered::Interrupted), 0));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_has_started_is_left_alone_until_it_must_end_at_once() {
    let interrupts = Interrupts::default();
    let client = retry(Scripted::failing([slow_down(20)]));
    let invoking = async { client.invoke(&request(), &policy(), &interrupts, None).await };
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
async fn a_request_in_flight_is_the_last_one_of_a_call_that_must_end_between_attempts() {
    let client = retry(Scripted::acting(&[Act::Wait(9), Act::Answer]));
    let interrupts = Interrupts::default();
    let invoking = async { client.invoke(&request(), &policy(), &interrupts, None).await };
    let ending = async {
        sleep(secs(1)).await;
        interrupts.between_attempts.cancel();
    };

    let (invoked, ()) = tokio::join!(invoking, ending);

    assert!(invoked.result.is_ok(), "{invoked:?}");
    let again = client.invoke(&request(), &policy(), &interrupts, None).await;
    assert_eq!((again.result, again.attempts.len()), (Err(Unanswered::Interrupted), 0));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_its_next_attempt_ends_between_them() {
    let client = retry(Scripted::failing([slow_down(20)]));
    let interrupts = Interrupts::default();
    let invoking = async { client.invoke(&request(), &policy(), &interrupts, None).await };
    let ending = async {
        sleep(secs(1)).await;
        interrupts.between_attempts.cancel();
    };

    let (invoked, ()) = tokio::join!(invoking, ending);

    assert_eq!((invoked.result, invoked.attempts.len()), (Err(Unanswered::Interrupted), 1));
    assert_eq!(invoked.latency, secs(1));
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
    let invoked = client.invoke(&request(), &Changing(false.into()), &Interrupts::default(), None).await;

    assert_eq!((invoked.result, invoked.attempts.len()), (Err(Unanswered::Failed(broken())), 2));
}

#[tokio::test(start_paused = true)]
async fn retries_of_all_calls_share_one_budget() {
    let broken_calls = std::iter::repeat_n(broken(), 1_000);
    let client = retry(Scripted::failing(broken_calls));

    let mut attempts = 0;
    let mut deferred = 0;
    for _ in 0..100 {
        let invoked = client.invoke(&request(), &policy(), &Interrupts::default(), None).await;
        attempts += invoked.attempts.len();
        deferred += usize::from(matches!(invoked.result, Err(Unanswered::Deferred { .. })));
    }

    // The budget is a reserve of ten, and a fifth of a hundred calls.
    assert_eq!(attempts, 100 + 30);
    assert!(deferred > 90, "{deferred}");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_fed_again_earns_no_more_retries() {
    let client = retry(Scripted::failing(std::iter::repeat_n(broken(), 1_000)));
    let fed_again = CallPolicy { failed_before: 1, budget_percent: 100.0, ..policy() };

    let mut retries = 0;
    for _ in 0..100 {
        let invoked = client.invoke(&request(), &fed_again, &Interrupts::default(), None).await;
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
    let client = retry(Permit { inner: wire, lane, random: still() });
    let none = CallPolicy { max_retries: 0, ..policy() };
    let changing = Changing(none.clone().into());

    let (request, interrupts) = (request(), Interrupts::default());
    let (invoked, ()) = tokio::join!(client.invoke(&request, &changing, &interrupts, None), async {
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

    let invoked = client.invoke(&request(), &CallPolicy::from(&settings), &Interrupts::default(), None).await;

    assert_eq!(invoked.attempts.len(), 7);
    assert!(matches!(invoked.result, Err(Unanswered::Failed(ModelError::TimedOut(TimeoutPhase::Total)))));
    assert_eq!(start.elapsed(), settings.longest_job());
}

#[tokio::test(start_paused = true)]
async fn what_a_server_would_repeat_is_asked_again_once() {
    let table = [ModelError::Malformed { message: "no".into() }, ModelError::EmptyAnswer { reasoned: true }];
    for error in table {
        let client = retry(Scripted::failing(std::iter::repeat_n(error.clone(), 9)));

        let invoked = client.invoke(&request(), &policy(), &Interrupts::default(), None).await;

        assert_eq!((invoked.result, invoked.attempts.len()), (Err(Unanswered::Failed(error)), 2));
    }
}
