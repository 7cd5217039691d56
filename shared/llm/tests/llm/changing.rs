//! Changes of a provider's keys and settings while calls are made.

use std::sync::Arc;

use runmill_llm::{CallPolicy, ChatRequest, Client, Factory, Target, TargetKey, Unanswered};
use runmill_proto::ErrorKind;

use crate::{
    server::{Act, EVENTS, Server, response, stream},
    setup::{factory, policy, request, target},
};

fn key(label: &str) -> TargetKey {
    TargetKey { label: label.into(), value: format!("sk-of-{label}").into(), weight: 1 }
}

fn client(factory: &Factory, target: &Target) -> Arc<Client> {
    factory.client(target).unwrap()
}

fn refusal() -> Act {
    Act::Send(response("401 Unauthorized", "", r#"{"error":{"message":"Incorrect API key provided"}}"#))
}

/// Returns the label of the next request's key.
async fn next_key(server: &mut Server) -> String {
    let (_, request) = server.received().await;
    let line = request.lines().find_map(|line| line.strip_prefix("authorization: Bearer sk-of-"));
    line.unwrap_or_else(|| panic!("no key in {request}")).to_owned()
}

#[tokio::test]
async fn a_refused_key_is_set_aside_and_the_call_goes_on_with_another() {
    let answer = || Act::Send(stream(EVENTS));
    let mut server = Server::start([refusal(), answer(), refusal(), answer()]).await;
    let target = Target { keys: vec![key("bad"), key("good")], ..target(server.base_url()) };
    let client = client(&factory(), &target);
    let ask = async |call: &str| {
        client.invoke(&ChatRequest { call_id: call.to_owned(), ..request() }, &policy()).await
    };

    let invoked = [ask("first").await, ask("second").await, ask("third").await];

    assert!(invoked.iter().all(|it| it.result.is_ok()), "{invoked:?}");
    for call in &invoked[..2] {
        let used: Vec<_> = call.attempts.iter().map(|it| (it.key.as_deref(), it.error_kind)).collect();
        assert_eq!(used, [(Some("bad"), Some(ErrorKind::Authentication)), (Some("good"), None)]);
    }
    for want in ["bad", "good", "bad", "good", "good"] {
        assert_eq!(next_key(&mut server).await, want);
    }
    let reasons: Vec<_> = client.keys().into_iter().map(|key| (key.label, key.set_aside.is_some())).collect();
    assert_eq!(reasons, [("bad".to_owned(), true), ("good".to_owned(), false)]);
}

#[tokio::test(start_paused = true)]
async fn without_a_key_left_calls_stop_before_a_request_until_someone_mends_it() {
    let mut server = Server::start([refusal(), refusal(), Act::Send(stream(EVENTS))]).await;
    let target = Target { keys: vec![key("only")], ..target(server.base_url()) };
    let client = client(&factory(), &target);

    let first = client.invoke(&request(), &policy()).await;
    let second = client.invoke(&request(), &policy()).await;
    client.reset_key_breakers();
    let third = client.invoke(&request(), &policy()).await;

    assert!(matches!(first.result, Err(Unanswered::LaneStopped { .. })), "{first:?}");
    assert!(matches!(second.result, Err(Unanswered::LaneStopped { .. })), "{second:?}");
    // The only request is asked twice: its first refusal does not show that the key is bad.
    assert_eq!((first.attempts.len(), second.attempts.len()), (2, 0));
    assert!(third.result.is_ok(), "{third:?}");
    for _ in 0..3 {
        assert_eq!(next_key(&mut server).await, "only");
    }
    assert!(server.has_no_request());
}

#[tokio::test]
async fn a_call_that_waits_to_be_tried_again_goes_out_by_the_new_settings() {
    let slow_down = response("429 Too Many Requests", "retry-after-ms: 100\r\n", "{}");
    let mut server = Server::start([Act::Send(slow_down), Act::Send(stream(EVENTS))]).await;
    let factory = factory();
    let old = Target { keys: vec![key("old")], ..target(server.base_url()) };
    let client = factory.client(&old).unwrap();

    let (request, policy) = (request(), CallPolicy { max_retries: 0, ..policy() });
    let (invoked, first_key) = tokio::join!(client.invoke(&request, &policy), async {
        let used = next_key(&mut server).await;
        let new = Target { version: 2, keys: vec![key("new")], ..old.clone() };
        factory.client(&new).unwrap();
        used
    });

    assert!(invoked.result.is_ok(), "{invoked:?}");
    assert_eq!((first_key, next_key(&mut server).await), ("old".to_owned(), "new".to_owned()));
}
