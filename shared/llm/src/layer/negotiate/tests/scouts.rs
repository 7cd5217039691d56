use std::{iter::repeat_with, sync::Mutex};

use futures::future::join_all;
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::layer::{scripted::four, timeout::Timeout};

/// A server that refuses requests without `wanted`, and answers others. Each head takes a second, each answer a
/// minute.
struct Picky {
    wanted: Form,
    /// Forms of the requests, with their times.
    seen: Mutex<Vec<(Form, Instant)>>,
}

impl AttemptLayer for Picky {
    async fn attempt(&self, cx: Context<'_>) -> Result<ChatResponse, ModelError> {
        self.seen.lock().unwrap().push((cx.form, Instant::now()));
        cx.tracker.sent(cx.form.streams());
        sleep(secs(1)).await;
        if cx.form != self.wanted {
            cx.tracker.answered(400, false);
            return Err(ModelError::Rejected { form: self.wanted, message: "no".into() });
        }
        cx.tracker.answered(200, cx.form.streams());
        cx.tracker.token();
        sleep(secs(59)).await;
        Ok(four())
    }
}

fn picky(fixes: &[Fix]) -> Negotiate<Picky> {
    let inner = Picky { wanted: form(fixes), seen: Mutex::default() };
    Negotiate { inner, memory: Arc::default(), has_logprobs: true }
}

impl Negotiate<Picky> {
    /// Returns the number of requests that were refused.
    fn refused(&self) -> usize {
        let seen = self.inner.seen.lock().unwrap();
        seen.iter().filter(|(form, _)| *form != self.inner.wanted).count()
    }
}

#[tokio::test(start_paused = true)]
async fn of_many_calls_one_finds_the_form_and_the_others_wait_for_it() {
    for fixes in [&[][..], &[Fix::NoStreamOptions], &[Fix::NoTemperature, Fix::NoSeed]] {
        let (layer, policy, start) = (picky(fixes), policy(), Instant::now());

        let answers = join_all(repeat_with(|| ask(&layer, &policy)).take(64)).await;

        assert!(answers.iter().all(Result::is_ok));
        let refused = usize::from(!fixes.is_empty());
        assert_eq!((layer.refused(), layer.inner.seen.lock().unwrap().len()), (refused, 64 + refused));
        // The others go on as soon as the form is accepted, not when the answer is complete.
        assert!(start.elapsed() < secs(63), "{:?}", start.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_scout_that_is_dropped_or_fails_hands_over_to_the_next() {
    let failed = ModelError::ServerError { status: 500, message: "no".into(), after: None };
    for first in [vec![Act::Wait(99), Act::Answer], vec![Act::Wait(1), Act::Fail(failed)]] {
        let policy = policy();
        let layer = negotiate([first, rejected(&[Fix::Buffered]), answered(), answered()]);

        let others = async { (ask(&layer, &policy).await, ask(&layer, &policy).await) };
        let (_, (second, third)) = tokio::join!(timeout(secs(2), ask(&layer, &policy)), others);

        assert!(second.is_ok() && third.is_ok());
        let buffered = form(&[Fix::Buffered]);
        assert_eq!(layer.inner.forms(), [Form::default(), Form::default(), buffered, buffered]);
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_slow_scout_longer_than_ten_seconds() {
    let slow = vec![Act::Wait(60), Act::Answer];
    let (layer, policy) = (negotiate([slow, answered()]), policy());

    let (slow, fast) = tokio::join!(ask(&layer, &policy), ask(&layer, &policy));

    assert!(slow.is_ok() && fast.is_ok());
    let seen = layer.inner.seen.lock().unwrap();
    assert_eq!(seen[1].1 - seen[0].1, secs(10));
}

#[tokio::test(start_paused = true)]
async fn the_wait_for_a_scout_is_not_the_providers_time() {
    let slow = vec![Act::Wait(6), Act::Fail(ModelError::TruncatedStream)];
    let layer = Timeout { inner: negotiate([slow, vec![Act::Wait(6), Act::Answer]]) };
    let policy = crate::CallPolicy { total: secs(7), ..policy() };

    let (_, second) = tokio::join!(ask(&layer, &policy), ask(&layer, &policy));

    assert!(second.is_ok(), "{second:?}");
}

#[tokio::test(start_paused = true)]
async fn after_an_hour_one_call_tries_the_first_form_and_the_others_go_on_with_the_old_one() {
    let (layer, policy) = (picky(&[Fix::NoStreamOptions]), policy());
    ask(&layer, &policy).await.unwrap();
    advance(secs(3600)).await;

    let answers = join_all(repeat_with(|| ask(&layer, &policy)).take(64)).await;

    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(layer.refused(), 2);
    let seen = layer.inner.seen.lock().unwrap();
    assert_eq!(seen.iter().filter(|(_, time)| *time == seen[2].1).count(), 64, "nobody waited");
}
