//! Runs are changed while they run, extended, and canceled gracefully.

use reqwest::Method;
use runmill_proto::{ErrorKind, Outcome, RunId, message::Control};
use serde_json::{Value, json};

use crate::{
    resuming::{end_job, new_run, next_announced, run},
    server::{Server, refused},
};

async fn send(server: &Server, method: Method, path: &str, body: &Value) -> Value {
    let response = server.request(method, path).json(body).send().await.unwrap();
    let status = response.status();
    let body: Value = response.json().await.unwrap();
    assert!(status.is_success(), "{path}: {status} {body}");
    body
}

/// Creates a run of two jobs, of which one failed with a server's error.
async fn ended_run(server: &Server) -> RunId {
    let id = new_run(server, &server.new_run().await).await;
    for (position, outcome) in [(0, Outcome::Succeeded), (1, Outcome::Failed)] {
        end_job(server, id, position, outcome).await;
    }
    id
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_nothing_else() {
    let server = Server::start().await;
    let id = new_run(&server, &server.new_run().await).await;
    let route = format!("/runs/{id}");
    let patch = json!({"priority": 9, "concurrency": 4, "budget": {"calls": 7}});

    let changed = send(&server, Method::PATCH, &route, &patch).await;
    let again = send(&server, Method::PATCH, &route, &patch).await;

    assert_eq!((&changed["priority"], &changed["config"]["concurrency"]), (&json!(9), &json!(4)));
    assert_eq!(changed["budget"], json!({"calls": 7}));
    assert_eq!(changed["seq"], json!(2), "the change is an event");
    assert_eq!(again, changed, "the same request changes nothing");

    let freed = send(&server, Method::PATCH, &route, &json!({"concurrency": null})).await;
    assert_eq!((&freed["config"]["concurrency"], &freed["priority"]), (&Value::Null, &json!(9)));
    let same = send(&server, Method::PATCH, &route, &json!({})).await;
    assert_eq!(same, freed);
}

#[tokio::test]
async fn a_patch_that_cannot_be_is_refused_with_the_reason() {
    let server = Server::start().await;
    let id = new_run(&server, &server.new_run().await).await;
    let patch = |body: Value| server.request(Method::PATCH, &format!("/runs/{id}")).json(&body);

    let both = refused(patch(json!({"priority": 0, "concurrency": "many"}))).await;
    let pointers: Vec<_> = both.errors.iter().map(|error| error.pointer.as_str()).collect();
    assert_eq!((both.status, pointers), (400, vec!["/priority", "/concurrency"]));
    assert_eq!(refused(patch(json!({"prio": 2}))).await.status, 400);

    for position in 0..2 {
        end_job(&server, id, position, Outcome::Succeeded).await;
    }
    let ended = refused(patch(json!({"priority": 2}))).await;
    assert!(ended.status == 409 && ended.detail.contains("has ended"), "{ended:?}");
}

#[tokio::test]
async fn failures_are_tried_again_by_their_kind() {
    let server = Server::start().await;
    let id = ended_run(&server).await;
    let retry = |kinds: &str| format!("/runs/{id}/retry-failed?kinds={kinds}");

    let unknown = refused(server.request(Method::POST, &retry("timeout"))).await;
    assert_eq!(unknown.status, 400);
    assert!(unknown.detail.contains("`timeout` is not one of connection, "), "{unknown:?}");
    let other = refused(server.request(Method::POST, &retry("overloaded,bad_item"))).await;
    assert_eq!(other.status, 409);
    assert!(other.detail.contains("no jobs that failed with overloaded or bad_item"), "{other:?}");

    let kinds = format!("overloaded,{}", ErrorKind::ServerError);
    let retried = send(&server, Method::POST, &retry(&kinds), &json!({})).await;
    assert_eq!((&retried["status"], &retried["counters"]["deferred"]), (&json!("running"), &json!(1)));
    assert_eq!(retried["errors"], json!({}));
}

#[tokio::test]
async fn an_ended_run_goes_on_with_more_samples() {
    let server = Server::start().await;
    let id = ended_run(&server).await;
    let path = format!("/runs/{id}/extend");

    let extended = send(&server, Method::POST, &path, &json!({"samples": 2})).await;
    let again = send(&server, Method::POST, &path, &json!({"samples": 2})).await;

    assert_eq!((&extended["status"], &extended["counters"]["total"]), (&json!("running"), &json!(4)));
    assert_eq!((&extended["config"]["samples"], &extended["counters"]["settled"]), (&json!(2), &json!(2)));
    assert_eq!(again, extended);
    let fewer = refused(server.request(Method::POST, &path).json(&json!({"samples": 1}))).await;
    assert!(fewer.status == 409 && fewer.detail.contains("has 2 samples"), "{fewer:?}");
    for position in 2..4 {
        end_job(&server, id, position, Outcome::Succeeded).await;
    }
    let ended = run(&server, id).await;
    assert_eq!((&ended["status"], &ended["counters"]["succeeded"]), (&json!("completed"), &json!(3)));
}

#[tokio::test]
async fn a_graceful_cancel_is_announced_as_such_and_a_plain_one_may_follow() {
    let server = Server::start().await;
    let mut listener = server.broker.listen().await.unwrap();
    let id = new_run(&server, &server.new_run().await).await;
    let now = server.clock.now();
    runmill_store::Feed::mark_fed(&*server.store, id, 2, &[], now).await.unwrap();
    let path = format!("/runs/{id}/cancel");

    let draining = send(&server, Method::POST, &format!("{path}?graceful=true"), &json!({})).await;
    assert_eq!((&draining["status"], &draining["cancel_graceful"]), (&json!("running"), &json!(true)));
    let drained = |control: &Control| match control {
        Control::RunDraining { run_id } => Some(*run_id),
        _ => None,
    };
    assert_eq!(next_announced(&mut *listener, drained).await, id);

    let canceled = send(&server, Method::POST, &path, &json!({})).await;
    assert_eq!(canceled["cancel_graceful"], json!(false));
    let dropped = |control: &Control| match control {
        Control::RunCanceled { run_id } => Some(*run_id),
        _ => None,
    };
    assert_eq!(next_announced(&mut *listener, dropped).await, id);
    let again = send(&server, Method::POST, &format!("{path}?graceful=true"), &json!({})).await;
    assert_eq!(again, canceled, "calls that were dropped do not come back");
}
