use tokio::time::advance;

use super::*;
use crate::layer::scripted::secs;

fn keys(weights: &[u32]) -> Arc<Keys> {
    let key = |(place, weight): (usize, &u32)| Key {
        label: place.to_string().into(),
        weight: *weight,
        headers: HeaderMap::new(),
    };
    Keys::new(weights.iter().enumerate().map(key).collect())
}

fn refused() -> ModelError {
    ModelError::Authentication { message: "no".into() }
}

fn slow_down(seconds: u64) -> ModelError {
    ModelError::RateLimited { message: "slow down".into(), after: Some(secs(seconds)) }
}

fn label(lease: &Lease) -> &str {
    &lease.key().label
}

#[tokio::test(start_paused = true)]
async fn calls_in_flight_are_shared_by_weight() {
    let keys = keys(&[1, 3]);

    let leases: Vec<_> = (0..40).map(|_| keys.take().unwrap()).collect();

    assert_eq!(leases.iter().filter(|lease| label(lease) == "1").count(), 30);
}

#[tokio::test(start_paused = true)]
async fn one_call_after_the_other_is_shared_by_weight_too() {
    let keys = keys(&[1, 3]);

    let uses = (0..40).map(|_| label(&keys.take().unwrap()).to_owned()).filter(|label| label == "1").count();

    assert_eq!(uses, 30);
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_is_set_aside_while_others_go_on() {
    let keys = keys(&[1, 1]);
    let bad = keys.take().unwrap();
    let bad_label = label(&bad).to_owned();

    assert_eq!(bad.settle(Some(&refused()), Some(401)), KeyAvailability::AnotherKey);

    for _ in 0..10 {
        assert_ne!(label(&keys.take().unwrap()), bad_label);
    }
    let reasons: Vec<_> = keys.report().into_iter().filter_map(|key| key.set_aside).collect();
    assert_eq!(reasons, ["the provider refuses the key: no"]);
}

#[tokio::test(start_paused = true)]
async fn without_a_key_left_the_first_to_return_is_waited_for_and_tried_by_one_call() {
    let keys = keys(&[1]);
    let start = Instant::now();
    assert_eq!(
        keys.take().unwrap().settle(Some(&refused()), Some(401)),
        KeyAvailability::NoneUntil(start + REFUSED_FOR)
    );
    let availability = KeyAvailability::NoneUntil(start + REFUSED_FOR);
    assert_eq!(keys.take().err(), Some(NoUsableKey { reason: refused(), availability }));

    advance(REFUSED_FOR).await;
    let probe = keys.take().unwrap();

    let wait = Some(NoUsableKey { reason: refused(), availability: KeyAvailability::Probing });
    assert_eq!(keys.take().err(), wait, "the others wait for the probe");
    probe.settle(None, Some(200));
    assert!(keys.take().is_ok() && keys.report()[0].set_aside.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_used_up_quota_is_tried_again_when_the_provider_says_but_not_at_once() {
    let table = [(None, SPENT_FOR), (Some(secs(1)), REFUSED_FOR), (Some(secs(7_200)), secs(7_200))];
    for (after, want) in table {
        let keys = keys(&[1]);
        let spent = ModelError::QuotaExhausted { message: "spent".into(), after };
        let availability = keys.take().unwrap().settle(Some(&spent), Some(429));
        assert_eq!(availability, KeyAvailability::NoneUntil(Instant::now() + want), "{after:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_over_its_rate_limit_comes_last_until_it_has_cooled_down() {
    let keys = keys(&[1, 1]);
    let first = keys.take().unwrap();
    let hot = label(&first).to_owned();

    assert_eq!(first.settle(Some(&slow_down(5)), Some(429)), KeyAvailability::AnotherKey);

    let others: Vec<_> = (0..5).map(|_| keys.take().unwrap()).collect();
    assert!(others.iter().all(|lease| label(lease) != hot));
    drop(others);
    assert_eq!(
        keys.take().unwrap().settle(Some(&slow_down(60)), Some(429)),
        KeyAvailability::Unchanged,
        "none is cool"
    );
    advance(secs(6)).await;
    assert_eq!(label(&keys.take().unwrap()), hot);
}

#[tokio::test(start_paused = true)]
async fn forgiven_a_key_is_tried_at_once() {
    let keys = keys(&[1]);
    keys.take().unwrap().settle(Some(&refused()), Some(401));

    keys.reset_breakers();

    assert!(keys.take().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_lease_gives_its_place_back_and_says_nothing() {
    let keys = keys(&[1]);
    drop(keys.take().unwrap());
    assert_eq!(keys.report()[0].in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_trial_that_shows_nothing_is_followed_by_the_next() {
    let keys = keys(&[1]);
    keys.take().unwrap().settle(Some(&refused()), Some(401));
    keys.reset_breakers();
    let dead = ModelError::Connection { message: "reset".into() };

    keys.take().unwrap().settle(Some(&dead), None);
    drop(keys.take().unwrap());

    let probe = keys.take().unwrap();
    assert!(keys.take().is_err(), "the key is not proven yet");
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
        keys.take().unwrap().settle(Some(&refused()), Some(401));
        keys.reset_breakers();

        keys.take().unwrap().settle(error.as_ref(), *status);

        let is_proven = keys.report()[0].set_aside.is_none();
        assert_eq!(is_proven, proofs.contains(&(error.clone(), *status)), "{error:?}, {status:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_call_shows_that_began_before_the_refusal_does_not_prove_a_key() {
    let keys = keys(&[1]);
    let (early, late) = (keys.take().unwrap(), keys.take().unwrap());
    advance(secs(1)).await;
    late.settle(Some(&refused()), Some(401));

    early.settle(None, Some(200));

    assert!(keys.take().is_err());
}

#[tokio::test(start_paused = true)]
async fn what_a_call_shows_that_began_before_the_key_was_forgiven_does_not_set_it_aside() {
    let keys = keys(&[1]);
    let (first, second) = (keys.take().unwrap(), keys.take().unwrap());
    first.settle(Some(&refused()), Some(401));
    advance(secs(1)).await;
    keys.reset_breakers();
    keys.take().unwrap().settle(None, Some(200));

    assert_eq!(second.settle(Some(&refused()), Some(401)), KeyAvailability::AnotherKey);

    assert!(keys.take().is_ok());
}
