mod answers;
mod scouts;

use tokio::time::{advance, timeout};

use super::*;
use crate::{
    layer::scripted::{Act, Scripted, ask, policy, secs},
    protocol::Form,
};

fn form(fixes: &[Fix]) -> Form {
    fixes.iter().copied().collect()
}

/// Returns a refusal that asks for the form with `fixes`.
fn rejected(fixes: &[Fix]) -> Vec<Act> {
    vec![Act::Head(400), Act::Fail(ModelError::Rejected { form: form(fixes), message: "no".into() })]
}

fn answered() -> Vec<Act> {
    vec![Act::Head(200), Act::Answer]
}

fn negotiate(scripts: impl IntoIterator<Item = Vec<Act>>) -> Negotiate<Scripted> {
    Negotiate { inner: Scripted::new(scripts), memory: Arc::default(), has_logprobs: true }
}

#[tokio::test(start_paused = true)]
async fn a_rejected_form_is_changed_at_once_and_remembered() {
    for fix in Fix::ALL {
        let layer = negotiate([rejected(&[*fix]), answered(), answered()]);
        let want = form(&[*fix]);

        ask(&layer, &policy()).await.unwrap();
        ask(&layer, &policy()).await.unwrap();

        assert_eq!(layer.inner.forms(), [Form::default(), want, want]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_remembered_is_forgotten_in_time() {
    let layer = negotiate([rejected(&[Fix::Buffered]), answered(), answered()]);
    ask(&layer, &policy()).await.unwrap();

    advance(secs(3601)).await;
    ask(&layer, &policy()).await.unwrap();

    assert_eq!(layer.inner.forms(), [Form::default(), form(&[Fix::Buffered]), Form::default()]);
}

#[tokio::test(start_paused = true)]
async fn fixes_add_up_and_all_are_remembered() {
    let fixes = [Fix::NoStreamOptions, Fix::OtherTokenLimit, Fix::Buffered];
    let refusals = (1..=3).map(|number| rejected(&fixes[..number]));
    let layer = negotiate(refusals.chain([answered(), answered()]));

    ask(&layer, &policy()).await.unwrap();
    ask(&layer, &policy()).await.unwrap();

    let want = [0, 1, 2, 3, 3].map(|number| form(&fixes[..number]));
    assert_eq!(layer.inner.forms(), want);
}

#[tokio::test(start_paused = true)]
async fn what_a_call_has_found_is_remembered_though_it_is_dropped() {
    let layer = negotiate([rejected(&[Fix::Buffered]), vec![Act::Head(200), Act::Wait(99)], answered()]);

    let dropped = timeout(secs(1), ask(&layer, &policy())).await;
    ask(&layer, &policy()).await.unwrap();

    assert!(dropped.is_err());
    assert_eq!(layer.inner.forms(), [Form::default(), form(&[Fix::Buffered]), form(&[Fix::Buffered])]);
}

#[tokio::test(start_paused = true)]
async fn a_form_that_is_not_accepted_either_is_not_remembered() {
    let failed = ModelError::InvalidRequest { status: 404, message: "no such model".into() };
    for unaccepted in [vec![Act::Head(404), Act::Fail(failed)], vec![Act::Wait(99)]] {
        let layer = negotiate([rejected(&[Fix::Buffered]), unaccepted, answered()]);

        let _ = timeout(secs(1), ask(&layer, &policy())).await;
        ask(&layer, &policy()).await.unwrap();

        assert_eq!(layer.inner.forms(), [Form::default(), form(&[Fix::Buffered]), Form::default()]);
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_part_of_an_answer_no_other_form_is_tried() {
    let mut script = rejected(&[Fix::Buffered]);
    script.insert(1, Act::Deliver);
    let layer = negotiate([script]);

    let error = ask(&layer, &policy()).await.unwrap_err();

    assert!(matches!(error, ModelError::Rejected { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_rejects_every_form_is_not_asked_for_ever() {
    let fixes = [[Fix::Buffered], [Fix::Streamed]].into_iter().cycle().take(REQUESTS_MAX);
    let layer = negotiate(fixes.map(|fixes| rejected(&fixes)));

    let error = ask(&layer, &policy()).await.unwrap_err();

    assert!(matches!(error, ModelError::Rejected { .. }), "{error:?}");
    assert_eq!(layer.inner.forms().len(), REQUESTS_MAX);
}

#[tokio::test(start_paused = true)]
async fn a_form_that_is_rejected_although_it_is_as_asked_is_an_error() {
    let layer = negotiate([rejected(&[Fix::Buffered]), rejected(&[Fix::Buffered])]);

    assert!(ask(&layer, &policy()).await.is_err());

    assert_eq!(layer.inner.forms(), [Form::default(), form(&[Fix::Buffered])]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_tells_how_its_request_differs_from_what_was_asked_for() {
    let layer = negotiate([rejected(&[Fix::NoSeed, Fix::NoTopK]), answered(), answered()]);

    for _ in 0..2 {
        let answer = ask(&layer, &policy()).await.unwrap();
        assert_eq!(answer.remarks.fixes, [Fix::NoTopK, Fix::NoSeed]);
    }
}
