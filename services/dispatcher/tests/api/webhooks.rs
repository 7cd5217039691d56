use std::net::SocketAddr;

use reqwest::Method;
use runmill_config::Role;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::server::{Server, pointers, refused};

async fn with_webhook(server: &Server, url: &str) -> Value {
    let mut body = server.new_run().await;
    body["webhook"] = json!({"url": url});
    body
}

/// Takes one request, and returns its text.
async fn take(listener: &TcpListener) -> String {
    let (mut connection, _) = listener.accept().await.unwrap();
    let mut text = Vec::new();
    while !text.ends_with(b"}") {
        assert_ne!(connection.read_buf(&mut text).await.unwrap(), 0, "the request ends with a JSON object");
    }
    connection.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await.unwrap();
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn the_feeding_dispatcher_tells_the_end_and_the_run_shows_it() {
    let server = Server::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at: SocketAddr = listener.local_addr().unwrap();
    let body = with_webhook(&server, &format!("http://{at}/hooks?key=1")).await;
    let run = server.created(server.request_as(Role::Submit, Method::POST, "/runs").json(&body)).await;
    let before = json!({"url": format!("http://{at}/hooks"), "attempts": 0, "delivered_at": null,
        "abandoned_at": null, "last_error": null});
    assert_eq!(run["webhook"], before);
    let path = format!("/runs/{}", run["id"].as_str().unwrap());
    assert_eq!(server.get(&path).await["webhook"], before);
    let canceled = server.request(Method::POST, &format!("{path}/cancel")).send().await.unwrap();
    assert_eq!(canceled.status(), 200);

    server.feed();
    let request = take(&listener).await;

    assert!(request.starts_with("POST /hooks?key=1 HTTP/1.1\r\n"), "{request}");
    let (_, sent) = request.split_once("\r\n\r\n").unwrap();
    let sent: Value = serde_json::from_str(sent).unwrap();
    assert_eq!((&sent["type"], &sent["data"]["id"]), (&json!("run.ended"), &run["id"]));
    assert_eq!(sent["data"]["status"], "canceled");
    while server.get(&path).await["webhook"]["delivered_at"].is_null() {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.get(&path).await["webhook"]["attempts"], 1);
}

#[tokio::test]
async fn a_webhook_that_may_not_be_called_is_refused() {
    let server = Server::start().await;
    let mut body = server.new_run().await;
    for (url, want) in [
        ("platform.example/hooks", "must be a URL"),
        ("http://platform.example/hooks", "RUNMILL_ALLOW_HTTP"),
        ("https://169.254.169.254/latest", "RUNMILL_ALLOW_LINK_LOCAL"),
        ("https://me:pw@platform.example/", "user name or password"),
    ] {
        body["webhook"] = json!({"url": url});
        let problem = refused(server.request(Method::POST, "/runs").json(&body)).await;
        assert_eq!((problem.status, pointers(&problem)), (400, vec!["/webhook/url"]), "{url}");
        assert!(problem.errors[0].detail.contains(want), "{url}: {problem:?}");
    }
}

#[tokio::test]
async fn without_a_secret_a_run_with_a_webhook_is_refused_with_what_to_set() {
    let server = Server::start_without_webhooks().await;
    let body = with_webhook(&server, "https://platform.example/hooks").await;

    let problem = refused(server.request(Method::POST, "/runs").json(&body)).await;

    assert_eq!((problem.status, pointers(&problem)), (400, vec!["/webhook"]));
    assert!(problem.errors[0].detail.contains("RUNMILL_WEBHOOK_SECRET"), "{problem:?}");
}
