use tokio::time::advance;

use super::*;
use crate::layer::scripted::secs;

fn keys(weights: &[u32]) -> Arc<Keys> {
    let key = |(place, weight): (usize, &u32)| Key {
        label: place.to_string().into(),
        weight: *weight,
        headers: HeaderMap::new(),
        authorizes: true,
    };
    Keys::new(weights.iter().enumerate().map(key).collect())
}

fn refused() -> ModelError {
    ModelError::Authentication { message: "no".into() }
}

fn slow_down(seconds: u64) -> ModelError {
    ModelError::RateLimited { message: "slow down".into(), after: Some(secs(seconds)) }
}

/// Takes a key for a request that was not refused before.
fn take(keys: &Arc<Keys>) -> Result<Lease, NoUsableKey> {
    keys.take(&Refusals::default())
}

/// Ends an attempt of the call `call`, whose request was not refused before.
fn end(lease: Lease, call: &str, error: Option<&ModelError>, status: Option<u16>) -> KeyAvailability {
    lease.settle(error, status, call, &Refusals::default())
}

/// Ends the attempts of two calls, both refused. Returns what the second shows.
fn refuse(first: Lease, second: Lease) -> KeyAvailability {
    end(first, "first", Some(&refused()), Some(401));
    end(second, "second", Some(&refused()), Some(401))
}

/// Sets the only key aside, also while other attempts with it are in flight.
fn set_aside(keys: &Arc<Keys>) -> KeyAvailability {
    let refuse = |call: u32| end(take(keys).unwrap(), &call.to_string(), Some(&refused()), Some(401));
    let mut findings = (0..10).map(refuse);
    findings.find(|found| *found != KeyAvailability::Suspected).expect("ten refusals are enough")
}

fn label(lease: &Lease) -> &str {
    &lease.key().label
}

#[tokio::test(start_paused = true)]
async fn calls_in_flight_are_shared_by_weight() {
    let keys = keys(&[1, 3]);

    let leases: Vec<_> = (0..40).map(|_| take(&keys).unwrap()).collect();

    assert_eq!(leases.iter().filter(|lease| label(lease) == "1").count(), 30);
}

#[tokio::test(start_paused = true)]
async fn one_call_after_the_other_is_shared_by_weight_too() {
    let keys = keys(&[1, 3]);

    let uses = (0..40).map(|_| label(&take(&keys).unwrap()).to_owned()).filter(|label| label == "1").count();

    assert_eq!(uses, 30);
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_is_set_aside_while_others_go_on() {
    let keys = keys(&[1, 1]);
    let bad = take(&keys).unwrap();
    let _good = take(&keys).unwrap();
    let bad_label = label(&bad).to_owned();
    assert_eq!(end(bad, "first", Some(&refused()), Some(401)), KeyAvailability::AnotherKey);
    let bad = take(&keys).unwrap();
    assert_eq!(label(&bad), bad_label, "one refusal proves nothing");

    assert_eq!(end(bad, "second", Some(&refused()), Some(401)), KeyAvailability::AnotherKey);

    for _ in 0..10 {
        assert_ne!(label(&take(&keys).unwrap()), bad_label);
    }
    let reasons: Vec<_> = keys.report().into_iter().filter_map(|key| key.set_aside).collect();
    assert_eq!(reasons, ["the provider refuses the key: no"]);
}

#[tokio::test(start_paused = true)]
async fn without_a_key_left_the_first_to_return_is_waited_for_and_tried_by_one_call() {
    let keys = keys(&[1]);
    let start = Instant::now();
    assert_eq!(set_aside(&keys), KeyAvailability::NoneUntil(start + REFUSED_FOR));
    let availability = KeyAvailability::NoneUntil(start + REFUSED_FOR);
    assert_eq!(take(&keys).err(), Some(NoUsableKey { reason: refused(), availability }));

    advance(REFUSED_FOR).await;
    let probe = take(&keys).unwrap();

    let wait = Some(NoUsableKey { reason: refused(), availability: KeyAvailability::Probing });
    assert_eq!(take(&keys).err(), wait, "the others wait for the probe");
    end(probe, "", None, Some(200));
    assert!(take(&keys).is_ok() && keys.report()[0].set_aside.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_used_up_quota_is_tried_again_when_the_provider_says_but_not_at_once() {
    let table = [(None, SPENT_FOR), (Some(secs(1)), REFUSED_FOR), (Some(secs(7_200)), secs(7_200))];
    for (after, want) in table {
        let keys = keys(&[1]);
        let spent = ModelError::QuotaExhausted { message: "spent".into(), after };
        let availability = end(take(&keys).unwrap(), "", Some(&spent), Some(429));
        assert_eq!(availability, KeyAvailability::NoneUntil(Instant::now() + want), "{after:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_over_its_rate_limit_comes_last_until_it_has_cooled_down() {
    let keys = keys(&[1, 1]);
    let first = take(&keys).unwrap();
    let hot = label(&first).to_owned();

    assert_eq!(end(first, "", Some(&slow_down(5)), Some(429)), KeyAvailability::AnotherKey);

    let others: Vec<_> = (0..5).map(|_| take(&keys).unwrap()).collect();
    assert!(others.iter().all(|lease| label(lease) != hot));
    drop(others);
    assert_eq!(
        end(take(&keys).unwrap(), "", Some(&slow_down(60)), Some(429)),
        KeyAvailability::Unchanged,
        "none is cool"
    );
    advance(secs(6)).await;
    assert_eq!(label(&take(&keys).unwrap()), hot);
}

#[tokio::test(start_paused = true)]
async fn forgiven_a_key_is_tried_at_once() {
    let keys = keys(&[1]);
    set_aside(&keys);

    keys.reset_breakers();

    assert!(take(&keys).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_lease_gives_its_place_back_and_says_nothing() {
    let keys = keys(&[1]);
    drop(take(&keys).unwrap());
    assert_eq!(keys.report()[0].in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_trial_that_shows_nothing_is_followed_by_the_next() {
    let keys = keys(&[1]);
    set_aside(&keys);
    keys.reset_breakers();
    let dead = ModelError::Connection { message: "reset".into() };

    end(take(&keys).unwrap(), "", Some(&dead), None);
    drop(take(&keys).unwrap());

    let probe = take(&keys).unwrap();
    assert!(take(&keys).is_err(), "the key is not proven yet");
    drop(probe);
}

#[tokio::test(start_paused = true)]
async fn any_answer_to_what_was_asked_proves_a_key() {
    let invalid = ModelError::InvalidRequest { status: 400, message: "no such field".into() };
    let rejected = ModelError::ContentPolicy { message: "no".into() };
    let proofs = [
        (Some(ModelError::TruncatedStream), Some(200)),
        (Some(invalid.clone()), Some(400)),
        (Some(rejected), Some(400)),
        (Some(slow_down(0)), Some(429)),
    ];
    // No request was made; a proxy answered with a page; there was neither an answer nor an error.
    let no_proofs = [(Some(invalid.clone()), None), (Some(invalid), Some(404)), (None, None)];
    for (error, status) in proofs.iter().chain(&no_proofs) {
        let keys = keys(&[1]);
        set_aside(&keys);
        keys.reset_breakers();

        end(take(&keys).unwrap(), "", error.as_ref(), *status);

        let is_proven = keys.report()[0].set_aside.is_none();
        assert_eq!(is_proven, proofs.contains(&(error.clone(), *status)), "{error:?}, {status:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_call_shows_that_began_before_the_refusal_does_not_prove_a_key() {
    let keys = keys(&[1]);
    let early = take(&keys).unwrap();
    advance(secs(1)).await;
    set_aside(&keys);

    end(early, "early", None, Some(200));

    assert!(take(&keys).is_err());
}

#[tokio::test(start_paused = true)]
async fn what_a_call_shows_that_began_before_the_key_was_forgiven_does_not_set_it_aside() {
    let keys = keys(&[1]);
    let early = [take(&keys).unwrap(), take(&keys).unwrap()];
    set_aside(&keys);
    advance(secs(1)).await;
    keys.reset_breakers();
    end(take(&keys).unwrap(), "", None, Some(200));

    for (lease, call) in early.into_iter().zip(["third", "fourth"]) {
        assert_eq!(end(lease, call, Some(&refused()), Some(401)), KeyAvailability::AnotherKey);
    }

    assert!(take(&keys).is_ok());
}

/// Asks with the request of `call` again and again. Returns what each refusal shows.
fn refused_times(keys: &Arc<Keys>, call: &str, refusals: &Refusals, times: usize) -> Vec<KeyAvailability> {
    let ask = |_| keys.take(refusals).unwrap().settle(Some(&refused()), Some(403), call, refusals);
    (0..times).map(ask).collect()
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_refused_while_the_key_answers_others_is_at_fault() {
    let keys = keys(&[1]);
    let blocked = Refusals::default();
    assert_eq!(refused_times(&keys, "blocked", &blocked, 1), [KeyAvailability::Suspected]);
    advance(secs(1)).await;

    end(take(&keys).unwrap(), "other", None, Some(200));

    assert_eq!(refused_times(&keys, "blocked", &blocked, 1), [KeyAvailability::RequestRefused]);
    let next = Refusals::default();
    assert_eq!(refused_times(&keys, "next", &next, 1), [KeyAvailability::Suspected], "it is forgotten");
}

#[tokio::test(start_paused = true)]
async fn requests_that_are_refused_together_while_others_are_in_flight_stop_no_key_that_works() {
    let keys = keys(&[1]);
    end(take(&keys).unwrap(), "other", None, Some(200));
    let (first, second, slow) = (take(&keys).unwrap(), take(&keys).unwrap(), take(&keys).unwrap());
    advance(secs(1)).await;

    assert_eq!(refuse(first, second), KeyAvailability::Suspected);

    end(slow, "slow", None, Some(200));
    assert!(keys.report()[0].set_aside.is_none());
}

#[tokio::test(start_paused = true)]
async fn requests_that_are_refused_faster_than_others_are_answered_stop_no_key() {
    let keys = keys(&[1]);
    for name in ["before any answer", "of a key that has worked"] {
        let slow = take(&keys).unwrap();
        for request in ["first", "second", "third"] {
            advance(secs(1)).await;
            let refused = end(take(&keys).unwrap(), request, Some(&refused()), Some(403));
            assert_eq!(refused, KeyAvailability::Suspected, "{name}: {request}");
        }
        end(slow, "slow", None, Some(200));
        assert!(keys.report()[0].set_aside.is_none(), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_refused_ten_times_is_set_aside_though_an_attempt_is_in_flight() {
    let keys = keys(&[1]);
    let _slow = take(&keys).unwrap();
    let requests: Vec<_> = (0..10).map(|index| index.to_string()).collect();
    let mut found = Vec::new();
    for request in &requests {
        found.push(end(take(&keys).unwrap(), request, Some(&refused()), Some(401)));
    }
    assert!(found[..9].iter().all(|found| *found == KeyAvailability::Suspected), "{found:?}");
    assert_eq!(found[9], KeyAvailability::NoneUntil(Instant::now() + REFUSED_FOR));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_revoked_while_it_works_is_set_aside_after_two_requests() {
    let keys = keys(&[1]);
    end(take(&keys).unwrap(), "other", None, Some(200));
    let old = take(&keys).unwrap();
    advance(secs(1)).await;
    end(take(&keys).unwrap(), "first", Some(&refused()), Some(401));
    advance(secs(1)).await;

    // An attempt that began while the key was valid does not show that a request is at fault.
    end(old, "old", None, Some(200));
    end(take(&keys).unwrap(), "second", Some(&refused()), Some(401));
    let third = end(take(&keys).unwrap(), "third", Some(&refused()), Some(401));

    assert_eq!(third, KeyAvailability::NoneUntil(Instant::now() + REFUSED_FOR));
}

#[tokio::test(start_paused = true)]
async fn the_only_request_is_at_fault_if_the_key_has_worked_and_the_key_if_not() {
    let none = KeyAvailability::NoneUntil(Instant::now() + REFUSED_FOR);
    let fresh = keys(&[1]);
    let only = Refusals::default();
    assert_eq!(refused_times(&fresh, "only", &only, 2), [KeyAvailability::Suspected, none]);

    let proven = keys(&[1]);
    end(take(&proven).unwrap(), "other", None, Some(200));
    advance(secs(1)).await;
    let only = Refusals::default();
    let want = [KeyAvailability::Suspected, KeyAvailability::Suspected, KeyAvailability::RequestRefused];
    assert_eq!(refused_times(&proven, "only", &only, 3), want);
    assert!(proven.report()[0].set_aside.is_none());

    // Another attempt may still show that the key is good.
    let busy = keys(&[1]);
    let _other = take(&busy).unwrap();
    let only = Refusals::default();
    assert_eq!(refused_times(&busy, "only", &only, 4), [KeyAvailability::Suspected; 4]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_request_is_tried_with_every_key_before_it_waits() {
    let keys = keys(&[1, 1]);
    let blocked = Refusals::default();

    let shown = refused_times(&keys, "blocked", &blocked, 2);

    assert_eq!(shown, [KeyAvailability::AnotherKey, KeyAvailability::Suspected]);
    assert_eq!((blocked.count("0"), blocked.count("1")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn too_little_money_for_one_request_stops_no_key() {
    let spent = |message: &str| ModelError::QuotaExhausted { message: message.into(), after: None };
    let table = [
        ("fewer max_tokens", 402, KeyAvailability::Suspected),
        ("insufficient_quota", 429, KeyAvailability::NoneUntil(Instant::now() + SPENT_FOR)),
    ];
    for (message, status, want) in table {
        let keys = keys(&[1]);
        assert_eq!(end(take(&keys).unwrap(), "", Some(&spent(message)), Some(status)), want);
    }
}
