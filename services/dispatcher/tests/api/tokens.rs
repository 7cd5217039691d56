//! Tokens that the API creates, lists and revokes.

use std::time::Duration;

use futures::StreamExt as _;
use reqwest::{Method, RequestBuilder, Response};
use runmill_config::Role;
use runmill_proto::{InvocationId, PauseCause, RunId, message::Deferred, testing};
use runmill_store::{LogBatch, LogEntry, Slice};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::server::{Server, pointers, problem, refused};

impl Server {
    /// Creates a token as the admin of all tenants.
    pub async fn token(&self, fields: Value) -> Value {
        self.token_by(self.request(Method::POST, "/tokens"), fields).await
    }

    async fn token_by(&self, request: RequestBuilder, fields: Value) -> Value {
        let mut body = json!({"name": "ci", "role": "submit"});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        self.created(request.json(&body)).await
    }

    pub fn request_with(&self, token: &Value, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).bearer_auth(token["secret"].as_str().unwrap())
    }

    pub async fn get_with(&self, token: &Value, path: &str) -> Value {
        let response = self.request_with(token, Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), 200, "GET {path}");
        response.json().await.unwrap()
    }

    async fn revoke(&self, token: &Value) -> Response {
        let path = format!("/tokens/{}/revoke", token["id"].as_str().unwrap());
        self.request(Method::POST, &path).send().await.unwrap()
    }
}

fn ids(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_token_is_shown_once_and_works_until_it_is_revoked() {
    let server = Server::start().await;
    let token = server.token(json!({"tenant": "ours"})).await;
    let secret = token["secret"].as_str().unwrap();
    assert!(secret.starts_with(token["prefix"].as_str().unwrap()) && secret.len() == 80, "{token}");

    server.get_with(&token, "/runs").await;

    let listed = server.get("/tokens").await;
    let hidden = &secret[token["prefix"].as_str().unwrap().len()..];
    assert!(!listed.to_string().contains(hidden), "{listed}");
    assert_eq!(listed["items"][0]["id"], token["id"]);
    assert_eq!(listed["items"][0]["last_used_at"], json!(server.clock.now()));
    let stored = server.store.token(token["id"].as_str().unwrap().parse().unwrap()).await.unwrap();
    assert!(!format!("{stored:?}").contains(hidden));

    for _ in 0..2 {
        assert_eq!(server.revoke(&token).await.status(), 200);
        let problem = refused(server.request_with(&token, Method::GET, "/runs")).await;
        assert_eq!((problem.status, problem.detail.as_str()), (401, "this bearer token was revoked"));
    }
}

#[tokio::test]
async fn an_expired_token_is_refused_and_says_so() {
    let server = Server::start().await;
    let expires_at = server.clock.now() + Duration::from_mins(1);
    let token = server.token(json!({"expires_at": expires_at})).await;
    server.get_with(&token, "/runs").await;

    server.clock.advance(Duration::from_mins(1));

    let problem = refused(server.request_with(&token, Method::GET, "/runs")).await;
    assert!(problem.status == 401 && problem.detail.contains("expired"), "{problem:?}");
}

#[tokio::test]
async fn a_stream_of_events_ends_with_its_token() {
    let server = Server::start().await;
    let token = server.token(json!({})).await;
    let stream = server.request_with(&token, Method::GET, "/runs/events").send().await.unwrap();
    let mut stream = stream.bytes_stream();
    stream.next().await.unwrap().unwrap();

    server.revoke(&token).await;

    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn an_admin_of_a_tenant_manages_the_tokens_of_this_tenant_alone() {
    let server = Server::start().await;
    let admin = server.token(json!({"role": "admin", "tenant": "ours"})).await;
    let other = server.token(json!({"tenant": "other"})).await;
    let of_all = server.token(json!({"role": "admin", "all_tenants": true})).await;
    assert_eq!((&admin["tenant"], &of_all["tenant"]), (&json!("ours"), &Value::Null));

    let own = server.token_by(server.request_with(&admin, Method::POST, "/tokens"), json!({})).await;
    assert_eq!(own["tenant"], "ours");
    assert_eq!(ids(&server.get_with(&admin, "/tokens").await), [&admin["id"], &own["id"]]);
    for fields in [json!({"tenant": "other"}), json!({"all_tenants": true})] {
        let mut body = json!({"name": "x", "role": "observe"});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let problem = refused(server.request_with(&admin, Method::POST, "/tokens").json(&body)).await;
        assert_eq!(problem.status, 403, "{problem:?}");
    }
    for stranger in [&other, &of_all] {
        let path = format!("/tokens/{}/revoke", stranger["id"].as_str().unwrap());
        assert_eq!(refused(server.request_with(&admin, Method::POST, &path)).await.status, 404);
        server.get_with(stranger, "/runs").await;
    }
    let everyone = server.get_with(&of_all, "/tokens").await;
    assert_eq!(ids(&everyone).len(), 4);
    let problem = refused(server.request_as(Role::Submit, Method::GET, "/tokens")).await;
    assert_eq!(problem.status, 403);
}

#[tokio::test]
async fn a_token_that_names_providers_uses_no_other() {
    let server = Server::start().await;
    let run = server.new_run().await;
    let second = json!({"name": "second", "kind": "custom", "base_url": "http://127.0.0.1:9/v1"});
    let second = server.created(server.request(Method::POST, "/providers").json(&second)).await;
    let token = server.token(json!({"providers": [second["id"]]})).await;

    assert_eq!(ids(&server.get_with(&token, "/providers").await), [&second["id"]]);
    let first = format!("/providers/{}", run["provider_id"].as_str().unwrap());
    assert_eq!(refused(server.request_with(&token, Method::GET, &first)).await.status, 404);
    let smoke_test = server.request_with(&token, Method::POST, &format!("{first}/smoke-test"));
    assert_eq!(refused(smoke_test.json(&json!({"model": "m"}))).await.status, 404);
    let problem = refused(server.request_with(&token, Method::POST, "/runs").json(&run)).await;
    assert_eq!((problem.status, pointers(&problem)), (400, vec!["/provider_id"]));

    let created = server.created(server.request(Method::POST, "/runs").json(&run)).await;
    let path = format!("/runs/{}", created["id"].as_str().unwrap());
    assert_eq!(server.get_with(&token, &path).await["id"], created["id"], "it may read the run");
    let problem = refused(server.request_with(&token, Method::POST, &format!("{path}/pause"))).await;
    assert!(problem.status == 403 && problem.detail.contains("provider"), "{problem:?}");
    let allowed = json!({"provider_id": second["id"], "model": "m", "dataset_id": run["dataset_id"]});
    server.created(server.request_with(&token, Method::POST, "/runs").json(&allowed)).await;
}

#[tokio::test]
async fn every_wrong_field_of_a_token_is_named() {
    let server = Server::start().await;
    let absent = "prov_00000000000000000000000000000001";
    let table = [
        (json!({"name": ""}), vec!["/name"]),
        (json!({"expires_at": server.clock.now()}), vec!["/expires_at"]),
        (json!({"role": "admin", "providers": []}), vec!["/providers"]),
        (json!({"role": "admin", "budget": {"calls": 1}}), vec!["/budget"]),
        (json!({"budget": {"calls": 1, "when_used_up": "stop"}}), vec!["/budget/when_used_up"]),
        (json!({"providers": vec![absent; 101]}), vec!["/providers"]),
        (json!({"providers": [absent]}), vec!["/providers/0"]),
        (json!({"tenant": "ours", "all_tenants": true}), vec!["/tenant"]),
        (json!({"tenant": "Ours"}), vec![]),
        (json!({"scope": "x"}), vec![]),
    ];
    for (fields, want) in table {
        let mut body = json!({"name": "x", "role": "observe"});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let sent = server.request(Method::POST, "/tokens").json(&body).send().await.unwrap();
        let problem = problem(sent).await;
        assert_eq!((problem.status, pointers(&problem)), (400, want), "{fields}: {problem:?}");
    }
    assert_eq!(server.get("/tokens").await["items"], json!([]));
}

#[tokio::test]
async fn a_raised_budget_of_a_token_resumes_the_runs_that_it_submitted() {
    let server = Server::start().await;
    let token = server.token(json!({"budget": {"calls": 1, "tokens": 50}})).await;
    let body = server.new_run().await;
    let mut paused = Vec::new();
    for request in [server.request_with(&token, Method::POST, "/runs"), server.request(Method::POST, "/runs")]
    {
        let run = server.created(request.json(&body)).await;
        pause_for_budget(&server, &run).await;
        paused.push(format!("/runs/{}", run["id"].as_str().unwrap()));
    }
    let id = token["id"].as_str().unwrap();
    let slice = Slice { key: format!("{id}/calls"), limit: 1, used_before: 0, spent: 0, wanted: 1 };
    server.store.take(&[slice], server.clock.now()).await.unwrap();
    let left =
        |token: &Value| (token["budget_left"]["calls"].clone(), token["budget_left"]["tokens"].clone());
    assert_eq!(left(&server.get("/tokens").await["items"][0]), (json!(0), json!(50)));

    let raised = server.patch(&format!("/tokens/{id}"), &json!({"budget": {"calls": 3}})).await;

    assert_eq!(left(&raised), (json!(2), Value::Null));
    assert_eq!(server.get(&paused[0]).await["paused_at"], Value::Null);
    assert_ne!(server.get(&paused[1]).await["paused_at"], Value::Null, "another token submitted it");
    let removed = server.patch(&format!("/tokens/{id}"), &json!({"budget": null})).await;
    assert_eq!((&removed["budget"], &removed["budget_left"]), (&Value::Null, &Value::Null));
}

/// Lets a budget that is used up pause the run, as an executor says.
async fn pause_for_budget(server: &Server, run: &Value) {
    let run_id: RunId = run["id"].as_str().unwrap().parse().unwrap();
    let now = server.clock.now();
    server.store.mark_fed(run_id, 2, &[], now).await.unwrap();
    let deferred = Deferred {
        run_id,
        ordinal: 0,
        sample: 0,
        epoch: 0,
        attempt: 0,
        failures: 0,
        not_before: now + Duration::from_hours(1),
        reason: "used up".into(),
        pause: true,
        pause_cause: Some(PauseCause::DayBudget),
        unreachable: false,
        call: testing::call(InvocationId::from_uuid(Uuid::now_v7())),
    };
    let batch = LogBatch(vec![LogEntry::Deferred(Box::new(deferred))]);
    server.store.write_logs(&batch, now).await.unwrap();
}
