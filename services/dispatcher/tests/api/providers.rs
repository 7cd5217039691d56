use reqwest::Method;
use runmill_proto::ProviderId;
use serde_json::{Value, json};

use crate::server::{Server, pointers, refused};

fn provider(fields: &Value) -> Value {
    let mut body = json!({"name": "ours", "kind": "custom", "base_url": "https://api.example/v1"});
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn a_provider_is_shown_with_all_that_it_says_for_itself() {
    let server = Server::start().await;
    let body = provider(&json!({
        "protocol": "openai_responses",
        "base_url": "https://us.openai.azure.com/openai/?api-version=2024-10-21",
        "api_keys": [
            {"label": "a", "value": "sk-0123456789abcdef"},
            {"label": "b", "value": "sk-0123456789abcdef", "weight": 100},
        ],
        "proxy": " socks5h://proxy.example:1080 ",
        "request": {"idle_timeout_seconds": 5.0},
        "retry": {"max_retries": 0},
    }));

    let created = server.created(server.request(Method::POST, "/providers").json(&body)).await;

    let path = format!("/providers/{}", created["id"].as_str().unwrap());
    assert_eq!(server.get(&path).await, created);
    assert_eq!(created["protocol"], "openai_responses");
    assert_eq!(created["base_url"], "https://us.openai.azure.com/openai?api-version=2024-10-21");
    let weights: Vec<_> =
        created["api_keys"].as_array().unwrap().iter().map(|key| key["weight"].clone()).collect();
    assert_eq!(weights, [1, 100]);
    assert_eq!(created["proxy"], "socks5h://proxy.example:1080");
    assert_eq!(created["request"], json!({"idle_timeout_seconds": 5.0}));
    assert_eq!(created["retry"], json!({"max_retries": 0}));
}

#[tokio::test]
async fn a_change_replaces_what_it_names_and_nothing_else() {
    let server = Server::start().await;
    let body = provider(&json!({
        "api_keys": [{"label": "a", "value": "sk-0123456789abcdef", "weight": 7}],
        "request": {"idle_timeout_seconds": 5.0},
        "retry": {"max_retries": 0},
    }));
    let created = server.created(server.request(Method::POST, "/providers").json(&body)).await;
    assert_eq!(created["protocol"], "openai_chat", "the kind's own");
    let path = format!("/providers/{}", created["id"].as_str().unwrap());

    let change = json!({"protocol": "gemini", "request": {"total_timeout_seconds": 60.0}});
    let changed = server.patch(&path, &change).await;

    assert_eq!((&changed["protocol"], &changed["request"]), (&json!("gemini"), &change["request"]));
    for same in ["retry", "api_keys", "base_url"] {
        assert_eq!(changed[same], created[same], "{same}");
    }
    assert_eq!(server.patch(&path, &json!({"request": {}})).await["request"], json!({}));
}

#[tokio::test]
async fn every_fault_of_a_provider_is_named_with_its_place() {
    let server = Server::start().await;
    let faulty = json!({
        "base_url": "http://metadata.google.internal/v1",
        "proxy": "http://169.254.169.254",
        "api_keys": [
            {"label": "a", "value": "k", "weight": 0},
            {"label": "b", "value": "k", "weight": 101},
            {"label": "c", "value": "k", "weight": 100},
        ],
        "request": {"idle_timeout_seconds": 0.0},
        "retry": {"max_retries": 101},
    });
    let mut want = [
        "/api_keys/0/weight",
        "/api_keys/1/weight",
        "/base_url",
        "/proxy",
        "/request/idle_timeout_seconds",
        "/retry/max_retries",
    ];
    want.sort_unstable();
    let created =
        server.created(server.request(Method::POST, "/providers").json(&provider(&json!({})))).await;
    let path = format!("/providers/{}", created["id"].as_str().unwrap());

    for request in [
        server.request(Method::POST, "/providers").json(&provider(&faulty)),
        server.request(Method::PATCH, &path).json(&faulty),
    ] {
        let problem = refused(request).await;
        let mut found = pointers(&problem);
        found.sort_unstable();
        assert_eq!((problem.status, found), (400, want.to_vec()), "{problem:?}");
    }
    assert_eq!(server.get(&path).await, created);
}

#[tokio::test]
async fn an_address_where_no_provider_may_be_is_refused_with_what_to_set() {
    let server = Server::start().await;
    for (base_url, variable) in [
        ("http://gateway:8000/v1", "RUNMILL_ALLOW_HTTP"),
        ("https://169.254.169.254/v1", "RUNMILL_ALLOW_LINK_LOCAL"),
        ("https://0xA9FEA9FE/v1", "RUNMILL_ALLOW_LINK_LOCAL"),
    ] {
        let body = provider(&json!({"base_url": base_url}));
        let problem = refused(server.request(Method::POST, "/providers").json(&body)).await;
        assert_eq!(pointers(&problem), ["/base_url"], "{base_url}");
        assert!(problem.detail.contains(variable), "{base_url}: {problem:?}");
    }
}

/// The HTTP client sets these headers for its connection.
#[tokio::test]
async fn headers_that_frame_a_request_are_refused() {
    let server = Server::start().await;
    for name in ["Host", "content-length", "Transfer-Encoding", "connection", "upgrade", "te"] {
        let body = provider(&json!({"headers": {name: "1", "x-team": "ours"}}));
        let problem = refused(server.request(Method::POST, "/providers").json(&body)).await;
        assert_eq!(pointers(&problem), [format!("/headers/{name}")], "{problem:?}");
        assert!(problem.detail.contains("may not be set"), "{problem:?}");
    }
}

#[tokio::test]
async fn a_limit_that_no_executor_could_hold_is_refused() {
    let server = Server::start().await;
    for (concurrency, status) in [(100_000, 201), (100_001, 400)] {
        let body = provider(&json!({"name": "x", "rate_limit": {"concurrency": concurrency}}));
        let response = server.request(Method::POST, "/providers").json(&body).send().await.unwrap();
        assert_eq!(response.status(), status, "{concurrency}");
    }
}

#[tokio::test]
async fn the_limits_of_a_provider_show_what_it_states() {
    let server = Server::start().await;
    let body = provider(&json!({"rate_limit": {"concurrency": 8, "rpm": 600}}));
    let created = server.created(server.request(Method::POST, "/providers").json(&body)).await;

    let limits = server.get(&format!("/providers/{}/limits", created["id"].as_str().unwrap())).await;

    let found: Vec<_> = limits["account"]["limits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["resource"].as_str().unwrap(), it["stated"].as_f64(), it["burst"].as_f64()))
        .collect();
    assert_eq!(found, [("concurrency", Some(8.0), None), ("rpm", Some(600.0), Some(8.0))]);
    let absent = format!("/providers/{}/limits", ProviderId::from_uuid(uuid::Uuid::nil()));
    assert_eq!(refused(server.request(Method::GET, &absent)).await.status, 404);
}
