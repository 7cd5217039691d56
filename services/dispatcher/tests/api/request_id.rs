use std::collections::HashSet;

use reqwest::{Method, RequestBuilder};

use crate::server::{BODY_MAX_BYTES, Server};

/// Requests that are answered by different parts of the server, each with the expected status.
fn requests(server: &Server) -> [(RequestBuilder, u16); 9] {
    let too_long = vec![b' '; BODY_MAX_BYTES + 1];
    let json = |request: RequestBuilder| request.header("content-type", "application/json");
    [
        (server.request(Method::GET, "/runs"), 200),
        (server.anonymous(Method::GET, "/healthz"), 200),
        (server.anonymous(Method::GET, "/openapi.json"), 200),
        (json(server.request(Method::POST, "/runs")).body("{"), 400),
        (server.anonymous(Method::GET, "/runs"), 401),
        (server.anonymous(Method::GET, "/no/such/path"), 404),
        (server.request(Method::DELETE, "/runs"), 405),
        (json(server.request(Method::POST, "/providers")).body(too_long), 413),
        (server.request(Method::POST, "/providers").body("{}"), 415),
    ]
}

#[tokio::test]
async fn every_answer_has_an_id_of_its_own() {
    let server = Server::start().await;
    let mut seen = HashSet::new();
    for (request, status) in requests(&server) {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status);
        let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{status}: {id}");
        assert!(seen.insert(id), "{status}");
    }
}

#[tokio::test]
async fn the_callers_id_comes_back() {
    let server = Server::start().await;
    for (request, status) in requests(&server) {
        let response = request.header("X-Request-ID", "mine-42").send().await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["x-request-id"], "mine-42", "{status}");
    }
}

#[tokio::test]
async fn an_id_that_cannot_be_logged_as_it_is_is_replaced() {
    let server = Server::start().await;
    for unfit in ["with a space", "", &"x".repeat(129)] {
        let request = server.anonymous(Method::GET, "/healthz").header("X-Request-ID", unfit);
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["x-request-id"].len(), 32, "{unfit:?}");
    }
}
