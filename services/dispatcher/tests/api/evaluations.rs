//! Runs that LightEval executes.

use std::time::Duration;

use reqwest::Method;
use runmill_config::Role;
use runmill_proto::{RunId, api::ExecutorStatus};
use runmill_store::testing::beat;
use runmill_vault::Owner;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::{
    front_door::{World, executor::Executor},
    server::{Server, pointers, refused},
};

const URL: &str = "https://runmill.example.com";

/// Sends the heartbeat of an executor.
async fn executor(server: &Server, lighteval: bool) {
    let now = server.clock.now();
    let status = ExecutorStatus { lighteval, ..runmill_proto::testing::executor("one", now) };
    let beat = beat(status);
    server.store.exchange(&beat).await.unwrap();
}

async fn new_run(server: &Server) -> Value {
    let provider = server.new_run().await["provider_id"].clone();
    let config =
        json!({"use_lighteval_executor": true, "lighteval": {"tasks": ["gsm8k|0"]}, "temperature": 0.5});
    json!({"provider_id": provider, "model": "org/m", "config": config})
}

async fn created(server: &Server) -> (RunId, Value) {
    executor(server, true).await;
    let new = new_run(server).await;
    let run = server.created(server.request(Method::POST, "/runs").json(&new)).await;
    (serde_json::from_value(run["id"].clone()).unwrap(), run)
}

async fn other_dataset(server: &Server) -> Value {
    let lines = crate::server::line("a");
    server.created(server.request(Method::POST, "/datasets?name=one").body(lines)).await["id"].clone()
}

/// Returns the token of a run, as an executor opens it.
async fn token(server: &Server, run: RunId) -> String {
    let lease = Duration::from_mins(5);
    let claimed = server.store.claim_evaluation("one", lease, server.clock.now()).await.unwrap().unwrap();
    assert_eq!(claimed.run_id, run);
    let opened = server.keyring.opener().open(Owner::evaluation(run.uuid()), &claimed.sealed).unwrap();
    assert!(!claimed.config.contains(opened.expose_secret()), "{}", claimed.config);
    opened.expose_secret().to_owned()
}

#[tokio::test]
async fn what_is_wrong_is_refused_with_its_places() {
    let server = Server::start_at(Some(URL)).await;
    executor(&server, true).await;
    let mut new = new_run(&server).await;
    new["dataset_id"] = other_dataset(&server).await;
    new["config"]["samples"] = json!(2);
    new["config"]["lighteval"] = json!({"tasks": ["--help"], "max_samples": 0});

    let problem = refused(server.request(Method::POST, "/runs").json(&new)).await;

    assert_eq!(problem.status, 400);
    let places =
        ["/dataset_id", "/config/samples", "/config/lighteval/tasks", "/config/lighteval/max_samples"];
    assert_eq!(pointers(&problem), places);
    assert_eq!(server.get("/runs").await["items"], json!([]));
}

#[tokio::test]
async fn a_run_without_a_dataset_is_lightevals_alone() {
    let server = Server::start().await;
    let mut new = new_run(&server).await;
    new["config"] = json!({});
    let problem = refused(server.request(Method::POST, "/runs").json(&new)).await;
    assert_eq!((problem.status, pointers(&problem)), (400, vec!["/dataset_id"]));
}

#[tokio::test]
async fn without_what_lighteval_needs_the_submission_says_what_to_set() {
    let private = Server::start().await;
    executor(&private, true).await;
    let new = new_run(&private).await;
    let problem = refused(private.request(Method::POST, "/runs").json(&new)).await;
    assert!(problem.status == 409 && problem.detail.contains("RUNMILL_PUBLIC_URL"), "{problem:?}");

    let server = Server::start_at(Some(URL)).await;
    let new = new_run(&server).await;
    let nobody = refused(server.request(Method::POST, "/runs").json(&new)).await;
    executor(&server, false).await;
    let others = refused(server.request(Method::POST, "/runs").json(&new)).await;
    for problem in [nobody, others] {
        assert!(problem.status == 503 && problem.detail.contains("RUNMILL_LIGHTEVAL"), "{problem:?}");
    }
    assert_eq!(server.get("/runs").await["items"], json!([]));
}

#[tokio::test]
async fn a_run_waits_for_its_executor_and_says_so() {
    let server = Server::start_at(Some(URL)).await;
    let (id, run) = created(&server).await;

    assert_eq!((&run["kind"], &run["status"]), (&json!("lighteval"), &json!("pending")));
    assert_eq!((&run["counters"]["total"], &run["lighteval"]), (&json!(0), &Value::Null));
    let dataset = server.get(&format!("/datasets/{}", run["dataset_id"].as_str().unwrap())).await;
    assert_eq!(dataset["item_count"], 1);
    let path = format!("/runs/{id}");
    assert_eq!(server.get(&path).await["held_back"], json!([]));
    executor(&server, false).await;
    let held_back = server.get(&path).await["held_back"].clone();
    assert!(held_back[0]["message"].as_str().unwrap().contains("RUNMILL_LIGHTEVAL"), "{held_back}");
}

#[tokio::test]
async fn the_same_request_again_makes_no_second_run() {
    let server = Server::start_at(Some(URL)).await;
    executor(&server, true).await;
    let new = new_run(&server).await;
    let submit = || server.request(Method::POST, "/runs").header("Idempotency-Key", "nightly").json(&new);

    let (one, other) = (server.created(submit()).await, server.created(submit()).await);

    assert_eq!(one["id"], other["id"]);
}

#[tokio::test]
async fn the_token_of_a_run_calls_models_for_it_and_does_nothing_else() {
    let server = Server::start_at(Some(URL)).await;
    let (run, created) = created(&server).await;
    let token = token(&server, run).await;
    let provider = serde_json::from_value(created["provider_id"].clone()).unwrap();
    let world = World { server, provider };
    let server = &world.server;
    let as_run = |method: Method, path: &str| server.anonymous(method, path).bearer_auth(&token);

    for (method, path) in [
        (Method::GET, "/runs"),
        (Method::POST, "/runs"),
        (Method::GET, "/tokens"),
        (Method::GET, "/v1/models"),
        (Method::GET, "/v1/files"),
        (Method::POST, "/v1/batches"),
    ] {
        let response = as_run(method.clone(), path).send().await.unwrap();
        assert_eq!(response.status(), 403, "{method} {path}");
    }
    assert_eq!(server.get("/tokens").await["items"], json!([]));
    let mut executor = Executor::start(&world, "one").await;
    let body = json!({"model": "ours/org/m", "messages": [{"role": "user", "content": "2 + 2?"}]});
    let answered = tokio::spawn(as_run(Method::POST, "/v1/chat/completions").json(&body).send());
    let made = executor.take().await;
    assert_eq!((made.call.run_id, made.call.token_id), (run, None), "the run's, for who submitted it");
    made.answer("4").await;
    assert_eq!(answered.await.unwrap().unwrap().status(), 200);

    let canceled = server.request(Method::POST, &format!("/runs/{run}/cancel")).send().await.unwrap();
    assert_eq!(canceled.json::<Value>().await.unwrap()["status"], "canceled");
    let late = as_run(Method::POST, "/v1/chat/completions").json(&body).send().await.unwrap();
    assert_eq!(late.status(), 401);
}

#[tokio::test]
async fn what_lighteval_cannot_do_is_refused_with_words() {
    let server = Server::start_at(Some(URL)).await;
    let (run, _) = created(&server).await;

    for (path, body) in [("pause", json!({})), ("retry-failed", json!({})), ("extend", json!({"samples": 2}))]
    {
        let request = server.request_as(Role::Submit, Method::POST, &format!("/runs/{run}/{path}"));
        let problem = refused(request.json(&body)).await;
        assert_eq!(problem.status, 409, "{path}: {problem:?}");
        let says = problem.detail.contains("LightEval") || path == "retry-failed";
        assert!(says, "{path}: {problem:?}");
    }
}

#[tokio::test]
async fn a_provider_stays_while_lighteval_calls_it() {
    let server = Server::start_at(Some(URL)).await;
    let (_, run) = created(&server).await;
    let path = format!("/providers/{}", run["provider_id"].as_str().unwrap());
    assert_eq!(refused(server.request(Method::DELETE, &path)).await.status, 409);
}
