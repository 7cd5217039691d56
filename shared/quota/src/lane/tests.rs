use std::{
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use runmill_proto::{Usage, lease::Resource};
use tokio::time::advance;

use super::*;
use crate::lease::Pace;

const ASK: Ask<'_> =
    Ask { model: "m", estimated_tokens: 100, open_for: Duration::from_mins(10), class: Class::Run };

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Polls once, without a runtime.
fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn of(model: &str) -> Ask<'_> {
    Ask { model, ..ASK }
}

fn take(lane: &Lane, ask: &Ask<'_>) -> Option<Admission> {
    match poll(pin!(lane.admit(ask))) {
        Poll::Ready(admission) => Some(admission.unwrap()),
        Poll::Pending => None,
    }
}

fn is_full(lane: &Lane) -> bool {
    take(lane, &ASK).is_none()
}

fn set(lane: &Lane, account: Allowance) {
    lane.set_allowances(&account, &BTreeMap::new());
}

fn concurrency(concurrency: u32) -> Allowance {
    Allowance { concurrency, ..Allowance::UNLIMITED }
}

fn calls(per_second: f64, burst: f64) -> Allowance {
    Allowance { calls_per_second: Some(Pace { per_second, burst }), ..Allowance::UNLIMITED }
}

fn tokens(per_second: f64, burst: f64) -> Allowance {
    Allowance { tokens_per_minute: Some(Pace { per_second, burst }), ..Allowance::UNLIMITED }
}

#[test]
fn no_more_than_the_concurrency_are_in_flight() {
    let lane = Lane::new(2);

    let slots = [take(&lane, &ASK), take(&lane, &ASK)];

    assert!(is_full(&lane));
    assert_eq!(lane.in_flight(), 2);
    drop(slots);
    assert_eq!(lane.in_flight(), 0);
}

#[test]
fn attempts_of_one_model_start_in_the_order_in_which_they_ask() {
    let lane = Lane::new(1);
    let held = take(&lane, &ASK);
    let (mut first, mut second) = (pin!(lane.admit(&ASK)), pin!(lane.admit(&ASK)));
    assert!(poll(first.as_mut()).is_pending());
    assert!(poll(second.as_mut()).is_pending());

    drop(held);

    assert!(poll(second).is_pending());
    assert!(poll(first).is_ready());
}

#[test]
fn a_model_at_its_limit_holds_up_no_other() {
    let lane = Lane::new(3);
    lane.set_allowances(&concurrency(3), &[("narrow".to_owned(), concurrency(1))].into());
    let narrow = take(&lane, &of("narrow"));
    let mut next = pin!(async { lane.admit(&of("narrow")).await });
    assert!(poll(next.as_mut()).is_pending());

    let _others = [take(&lane, &of("wide")).unwrap(), take(&lane, &of("wide")).unwrap()];

    assert!(is_full(&lane), "the account's limit holds for all");
    assert!(poll(next.as_mut()).is_pending());
    drop(narrow);
    assert!(poll(next).is_ready());
}

#[test]
fn a_limit_below_what_is_in_flight_holds_once_enough_have_ended() {
    let lane = Lane::new(3);
    let [a, b, c] = [(); 3].map(|()| take(&lane, &ASK));

    set(&lane, concurrency(1));

    drop(a);
    assert!(is_full(&lane), "two are still in flight");
    drop(b);
    assert!(is_full(&lane), "one is still in flight");
    drop(c);
    let _one = take(&lane, &ASK).unwrap();
    assert!(is_full(&lane));
}

#[test]
fn a_grown_limit_lets_those_in_who_wait() {
    let lane = Lane::new(0);
    let mut wait = pin!(lane.admit(&ASK));
    assert!(poll(wait.as_mut()).is_pending());

    set(&lane, concurrency(1));

    assert!(poll(wait).is_ready());
}

#[test]
fn a_cancelled_wait_holds_nothing_and_is_not_counted() {
    let lane = Lane::new(1);
    let held = take(&lane, &ASK);
    {
        let mut wait = pin!(lane.admit(&ASK));
        assert!(poll(wait.as_mut()).is_pending());
        assert_eq!(lane.waiting(), 1);
    }
    {
        let mut admitted = pin!(lane.admit(&ASK));
        assert!(poll(admitted.as_mut()).is_pending());
        drop(held);
        assert_eq!(lane.in_flight(), 1, "it is admitted, and does not know it yet");
    }

    assert_eq!((lane.waiting(), lane.in_flight(), lane.tokens().reserved), (0, 0, 0));
    assert!(take(&lane, &ASK).is_some());
}

#[tokio::test]
async fn a_closed_lane_ends_every_wait_and_keeps_the_admissions() {
    let lane = Lane::new(1);
    let held = take(&lane, &ASK);
    let mut wait = pin!(lane.admit(&ASK));
    assert!(poll(wait.as_mut()).is_pending());

    lane.close();

    assert_eq!(wait.await.unwrap_err(), Closed);
    assert_eq!(lane.admit(&ASK).await.unwrap_err(), Closed);
    drop(held);
    assert_eq!(lane.in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn attempts_start_at_the_rate_also_when_the_one_that_keeps_the_time_is_cancelled() {
    let lane = Arc::new(Lane::new(64));
    set(&lane, calls(1.0, 1.0));
    let start = Instant::now();
    let asked = |lane: Arc<Lane>| {
        tokio::spawn(async move {
            let _admission = lane.admit(&ASK).await.unwrap();
            start.elapsed().as_secs()
        })
    };
    let first = asked(lane.clone());
    let others: Vec<_> = (0..3).map(|_| asked(lane.clone())).collect();
    tokio::task::yield_now().await;

    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());

    for (other, want) in others.into_iter().zip(1..) {
        assert_eq!(other.await.unwrap(), want);
    }
}

#[tokio::test(start_paused = true)]
async fn the_one_that_keeps_the_time_hears_of_an_earlier_time() {
    let lane = Lane::new(64);
    set(&lane, calls(0.01, 1.0));
    let start = Instant::now();

    let (admission, ()) = tokio::join!(lane.admit(&ASK), async {
        tokio::task::yield_now().await;
        set(&lane, calls(1.0, 1.0));
    });

    drop(admission.unwrap());
    assert_eq!(start.elapsed().as_secs(), 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_starts_after_the_lease_or_within_a_cooldown() {
    let lane = Lane::new(2);
    lane.set_lease(Some(Instant::now() + secs(12)));
    assert!(take(&lane, &ASK).is_some());

    advance(secs(12)).await;
    assert!(is_full(&lane));
    lane.refresh();
    assert_eq!(*lane.startable().borrow(), 0);

    lane.set_lease(Some(Instant::now() + secs(12)));
    lane.cool_down(Instant::now() + secs(5));
    assert_eq!(lane.cooldown(), Some(Instant::now() + secs(5)));
    let start = Instant::now();
    drop(lane.admit(&ASK).await.unwrap());
    assert_eq!((start.elapsed(), lane.cooldown()), (secs(5), None));
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_had_ended_begins_without_a_burst() {
    let lane = Lane::new(64);
    lane.set_lease(Some(Instant::now() + secs(12)));
    set(&lane, calls(1.0, 8.0));
    advance(secs(11)).await;
    lane.set_lease(Some(Instant::now() + secs(12)));
    drop(take(&lane, &ASK).unwrap());

    advance(secs(30)).await;
    lane.set_lease(Some(Instant::now() + secs(12)));

    assert!(is_full(&lane));
    advance(secs(1)).await;
    assert!(take(&lane, &ASK).is_some());
    assert!(is_full(&lane));
}

/// The process may be frozen between the two.
#[tokio::test(start_paused = true)]
async fn an_attempt_that_was_admitted_before_the_lease_ended_does_not_start_after_it() {
    let lane = Lane::new(1);
    lane.set_lease(Some(Instant::now() + secs(12)));
    let held = take(&lane, &ASK);
    let mut wait = pin!(lane.admit(&ASK));
    assert!(poll(wait.as_mut()).is_pending());
    drop(held);
    assert_eq!(lane.in_flight(), 1);

    advance(secs(20)).await;

    assert!(poll(wait.as_mut()).is_pending());
    assert_eq!((lane.in_flight(), lane.waiting()), (0, 1));
    lane.set_lease(None);
    assert!(poll(wait).is_ready());
}

#[tokio::test(start_paused = true)]
async fn tokens_are_reserved_by_estimate_and_settled_by_use() {
    let lane = Lane::new(3);
    set(&lane, tokens(100.0, 300.0));
    advance(secs(3)).await;
    let told = take(&lane, &ASK).unwrap();
    let [untold, dropped] = [(); 2].map(|()| take(&lane, &ASK).unwrap());
    assert_eq!(lane.tokens(), TokenCount { reserved: 300, used: 0 });
    assert!(is_full(&lane));

    told.settle(Some(&Usage { prompt_tokens: 5, completion_tokens: 2, ..Usage::default() }));
    untold.settle(None);
    drop(dropped);

    assert_eq!(lane.tokens(), TokenCount { reserved: 0, used: 107 });
    let left = Ask { estimated_tokens: 193, ..ASK };
    assert!(take(&lane, &Ask { estimated_tokens: 194, ..ASK }).is_none());
    assert!(take(&lane, &left).is_some());
}

#[tokio::test(start_paused = true)]
async fn jobs_are_taken_as_the_limits_allow() {
    let lane = Lane::new(64);
    let startable = |lane: &Lane| {
        lane.refresh();
        *lane.startable().borrow()
    };
    let both = Allowance { concurrency: 40, ..calls(0.5, 1.0) };
    lane.set_allowances(&both, &[("narrow".to_owned(), concurrency(2))].into());
    assert_eq!(startable(&lane), 6, "of the rate");
    advance(secs(2)).await;

    let narrow = take(&lane, &of("narrow")).unwrap();
    assert_eq!(startable(&lane), 2, "of the only model in use");
    advance(secs(2)).await;
    let _other = take(&lane, &of("other")).unwrap();
    assert_eq!(startable(&lane), 8, "of the account, where two are in flight");
    drop(narrow);
    set(&lane, Allowance { concurrency: 5, ..calls(0.5, 0.0) });
    assert_eq!(startable(&lane), 0);
}

#[tokio::test(start_paused = true)]
async fn the_use_tells_what_was_short_and_it_presses_a_leased_lane() {
    let lane = Lane::new(1);
    lane.set_lease(Some(Instant::now() + secs(12)));
    let held = take(&lane, &ASK);
    let mut wait = pin!(lane.admit(&ASK));
    assert!(poll(wait.as_mut()).is_pending());

    lane.pressed().notified().await;
    let share = Shortage::Limit { model: None, resource: Resource::Concurrency, share: 1.0 };
    assert_eq!(lane.waits_for(), Some(share));
    let usage = ScopeUse {
        in_flight: 1,
        peak: 1,
        waiting: 1,
        short_of: vec![Resource::Concurrency],
        open_for: secs(600),
    };
    assert_eq!(lane.usage(None), usage);
    assert_eq!((lane.signals().started, lane.signals().saturated), (1, 1));
    drop(held);
    assert!(poll(wait).is_ready());
    assert_eq!(lane.usage(None), ScopeUse { peak: 1, ..ScopeUse::default() });
    assert_eq!((lane.usage(Some("m")), lane.waits_for()), (ScopeUse::default(), None));
}

#[tokio::test(start_paused = true)]
async fn outcomes_are_counted_and_a_refusal_is_told_once() {
    let lane = Lane::new(4);
    let admission = take(&lane, &ASK).unwrap();
    for outcome in [Outcome::Answered, Outcome::Refused, Outcome::Failed, Outcome::Late] {
        admission.note(outcome);
    }
    admission.cool_down(Some(secs(7)), "slow down", 0.0);

    let until = Instant::now() + secs(7);
    let want = Signals { started: 1, answered: 1, refused: 1, failed: 1, late: 1, saturated: 0 };
    assert_eq!(lane.signals(), want);
    lane.pressed().notified().await;
    assert_eq!(lane.cooldown(), Some(until));
    assert_eq!(lane.take_refusal(), Some(Refusal { until, reason: "slow down".into() }));
    assert_eq!(lane.take_refusal(), None);
}

#[tokio::test(start_paused = true)]
async fn the_providers_word_on_what_is_left_is_heeded() {
    let remaining = |left| Remaining { limit: 60.0, left, full_in: secs(60) };
    let pause = |calls, tokens| {
        let lane = Lane::new(4);
        lane.heed(calls, tokens);
        lane.cooldown().map(|until| (until - Instant::now()).as_secs_f64().round())
    };
    let table = [
        (Some(remaining(1.0)), None, None),
        (Some(remaining(0.0)), None, Some(1.0)),
        (None, Some((remaining(50.0), 50)), None),
        (None, Some((remaining(30.0), 50)), Some(40.0)),
        // A call above the limit waits for all of it.
        (None, Some((remaining(0.0), 500)), Some(60.0)),
        (None, Some((remaining(60.0), 500)), None),
    ];
    for (calls, tokens, want) in table {
        assert_eq!(pause(calls, tokens), want, "{calls:?} {tokens:?}");
    }

    let lane = Lane::new(4);
    set(&lane, tokens(1.0, 1_000.0));
    advance(secs(1_000)).await;
    lane.heed(None, Some((Remaining { limit: 1_000.0, left: 150.0, full_in: secs(60) }, 100)));
    assert!(take(&lane, &ASK).is_some_and(|admission| {
        admission.settle(None);
        is_full(&lane)
    }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_and_resizing_every_call_passes_and_none_is_counted_twice() {
    let lane = Arc::new(Lane::new(4));
    let calls: Vec<_> = (0..2_000_u32)
        .map(|n| {
            let lane = lane.clone();
            tokio::spawn(async move {
                let model = if n % 3 == 0 { "narrow" } else { "wide" };
                let _admission = lane.admit(&of(model)).await;
                let narrow = Allowance { concurrency: 1 + n % 2, ..calls(1e6, 1e3) };
                lane.set_allowances(&concurrency(1 + n % 8), &[("narrow".to_owned(), narrow)].into());
                tokio::task::yield_now().await;
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }

    set(&lane, concurrency(3));
    let _three = [(); 3].map(|()| take(&lane, &ASK).unwrap());
    assert!(is_full(&lane));
    assert_eq!((lane.in_flight(), lane.waiting()), (3, 0));
}
