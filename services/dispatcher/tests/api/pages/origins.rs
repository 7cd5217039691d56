use reqwest::{Method, Response, header::HeaderMap};
use runmill_config::Role;

use super::{Browser, new_run};
use crate::server::Server;

const PLATFORM: &str = "https://platform.example.com";

fn allowed(headers: &HeaderMap) -> Option<&str> {
    headers.get("access-control-allow-origin").map(|value| value.to_str().unwrap())
}

async fn from(browser: &Browser, method: Method, path: &str, origin: &str) -> Response {
    let request =
        browser.request(method, path).header("origin", origin).header("sec-fetch-site", "same-site");
    request.header("access-control-request-method", "GET").send().await.unwrap()
}

#[tokio::test]
async fn a_page_of_a_configured_origin_reads_with_the_session() {
    let server = Server::start_for_origins(&[PLATFORM]).await;
    let browser = Browser::of(&server, Role::Observe).await;
    let run = new_run(&server).await;
    let events = format!("/runs/{run}/events?limit=0");
    for path in ["/runs", "/runs/events?limit=0", &events] {
        let read = from(&browser, Method::GET, path, PLATFORM).await;
        assert_eq!((read.status().as_u16(), allowed(read.headers())), (200, Some(PLATFORM)), "{path}");
        assert_eq!(read.headers()["access-control-allow-credentials"], "true", "{path}");
        let other = from(&browser, Method::GET, path, "https://example.org").await;
        assert_eq!(allowed(other.headers()), None, "{path}");
    }
    // A browser asks first, without a session.
    let asked = from(&Browser::new(&server), Method::OPTIONS, "/runs", PLATFORM).await;
    assert_eq!((asked.status().as_u16(), allowed(asked.headers())), (200, Some(PLATFORM)));
    // It reads, and changes nothing.
    let cancel = from(&browser, Method::POST, &format!("/runs/{run}/cancel"), PLATFORM).await;
    assert_eq!(cancel.status(), 403);
    // The pages are for nobody else.
    let page = from(&browser, Method::GET, "/ui/runs", PLATFORM).await;
    assert_eq!(allowed(page.headers()), None);
}

#[tokio::test]
async fn without_a_configured_origin_none_is_allowed() {
    let server = Server::start().await;
    let browser = Browser::of(&server, Role::Observe).await;
    for method in [Method::GET, Method::OPTIONS] {
        let answer = from(&browser, method, "/runs", PLATFORM).await;
        assert_eq!(allowed(answer.headers()), None);
    }
}
