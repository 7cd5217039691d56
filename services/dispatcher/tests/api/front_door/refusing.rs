use reqwest::Method;
use runmill_config::Role;
use runmill_proto::ErrorKind;
use serde_json::{Value, json};

use super::{World, executor::Executor, refused, submitter};

#[tokio::test]
async fn a_token_is_needed_in_either_header_and_its_role_counts() {
    let world = World::new().await;
    let server = &world.server;
    let post = |path: &str| server.anonymous(Method::POST, path).json(&json!({}));
    for path in ["/v1/chat/completions", "/v1/messages"] {
        let (status, error, _) = refused(post(path)).await;
        assert_eq!(status, 401, "{error}");
        assert!(error["message"].as_str().unwrap().contains("x-api-key"), "{error}");
        assert_eq!(refused(post(path).bearer_auth("wrong-0123456789abcdef")).await.0, 401);
        // The empty body is looked at only after the sign-in.
        assert_eq!(refused(post(path).header("x-api-key", submitter())).await.0, 400);
        assert_eq!(refused(post(path).bearer_auth(submitter())).await.0, 400);
        let observer = server.request_as(Role::Observe, Method::POST, path).json(&json!({}));
        assert_eq!(refused(observer).await.0, 403);
    }
    let (_, error, _) = refused(post("/v1/messages")).await;
    assert_eq!(error["type"], "authentication_error");
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said_with_the_limits_of_its_provider() {
    let world = World::new().await;
    let path = format!("/providers/{}", world.provider);
    world.server.patch(&path, &json!({"rate_limit": {"rpm": 600, "tpm": 9000}})).await;

    let probe = world.post("/v1/chat/completions", &json!({"model": "ours/m", "messages": []}));
    let response = probe.send().await.unwrap();
    assert_eq!(response.status(), 400);
    assert_eq!(response.headers()["x-ratelimit-limit-requests"], "600");
    assert_eq!(response.headers()["x-ratelimit-limit-tokens"], "9000");
    let error: Value = response.json().await.unwrap();
    assert!(
        error["error"]["message"].is_string() && error["error"]["type"] == "invalid_request_error",
        "{error}"
    );

    let broken = world.server.request_as(Role::Submit, Method::POST, "/v1/chat/completions").body("{");
    assert_eq!(refused(broken).await.0, 400);
    let long = "x".repeat(300);
    assert_eq!(refused(world.chat(&json!({"model": long}))).await.0, 400);
}

#[tokio::test]
async fn paths_and_methods_that_do_not_exist_are_refused_in_the_clients_shape() {
    let world = World::new().await;
    let (status, error, _) = refused(world.post("/v1/audio/speech", &json!({}))).await;
    assert_eq!((status, error["message"].is_string()), (404, true));
    let get = world.server.request_as(Role::Submit, Method::GET, "/v1/chat/completions");
    let (status, error, _) = refused(get).await;
    assert_eq!((status, error["message"].is_string()), (405, true));
}

#[tokio::test]
async fn a_failure_has_its_status_and_says_whether_to_try_again() {
    let world = World::new().await;
    let (status, error, [retry_after, _]) = refused(world.chat(&json!({}))).await;
    assert_eq!((status, retry_after.as_deref()), (503, Some("5")), "no executor: {error}");

    let mut executor = Executor::start(&world, "a").await;
    let table = [
        (ErrorKind::ContextLength, 400, "context_length_exceeded", None),
        (ErrorKind::RateLimited, 429, "rate_limit_exceeded", None),
        (ErrorKind::BudgetUsedUp, 429, "insufficient_quota", Some("false")),
    ];
    for (kind, want, code, should_retry) in table {
        let asking = tokio::spawn(refused(world.chat(&json!({}))));
        executor.take().await.fail(kind, "so it is").await;
        let (status, error, [retry_after, said]) = asking.await.unwrap();
        assert_eq!((status, &error["code"], said.as_deref()), (want, &json!(code), should_retry), "{kind}");
        assert_eq!(retry_after.is_some(), want == 429, "{kind}");
    }
}

#[tokio::test]
async fn calls_in_flight_are_bounded() {
    let world = World::new().await;
    let mut executor = Executor::start(&world, "a").await;
    let (status, error, [retry_after, _]) = refused(world.chat(&json!({"n": 7}))).await;
    assert_eq!((status, retry_after.is_some()), (429, true), "{error}");

    let asking = tokio::spawn(world.chat(&json!({"n": 6})).send());
    let mut taken = Vec::new();
    while taken.len() < 6 {
        taken.push(executor.take().await);
    }
    assert_eq!(refused(world.chat(&json!({}))).await.0, 429);
    for call in taken {
        call.answer("four").await;
    }
    assert_eq!(asking.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn a_run_that_is_canceled_or_of_a_stranger_takes_no_calls() {
    let world = World::new().await;
    let mut executor = Executor::start(&world, "a").await;
    let asking = tokio::spawn(world.chat(&json!({})).send());
    let taken = executor.take().await;
    let run = taken.call.run_id;
    taken.answer("four").await;
    asking.await.unwrap().unwrap();

    let stranger = json!({"name": "s", "role": "submit", "tenant": "strangers"});
    let stranger = world.server.created(world.server.request(Method::POST, "/tokens").json(&stranger)).await;
    let named = |token: &str| {
        let request = world.server.anonymous(Method::POST, "/v1/chat/completions").bearer_auth(token);
        request.header("x-runmill-run", run.to_string()).json(&super::chat())
    };
    let (status, error, _) = refused(named(stranger["secret"].as_str().unwrap())).await;
    assert_eq!(status, 404, "{error}");
    world.server.request(Method::POST, &format!("/runs/{run}/cancel")).send().await.unwrap();
    let (status, error, [_, should_retry]) = refused(named(&submitter())).await;
    assert_eq!((status, should_retry.as_deref()), (403, Some("false")), "{error}");
}

#[tokio::test]
async fn a_path_that_is_too_long_is_refused_in_the_clients_shape() {
    let world = World::new().await;
    let path = format!("/v1/models/{}", "x".repeat(9_000));
    let (status, error, _) = refused(world.server.request_as(Role::Observe, Method::GET, &path)).await;
    assert_eq!(status, 414);
    assert!(error["message"].as_str().unwrap().contains("at most 8192"), "{error}");
}

#[tokio::test]
async fn an_observer_may_ask_for_the_head_of_what_it_may_read() {
    let world = World::new().await;
    let head = world.server.request_as(Role::Observe, Method::HEAD, "/v1/models").send().await.unwrap();
    assert_eq!(head.status(), 200);
}
