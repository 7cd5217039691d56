use reqwest::{
    Method,
    header::{AUTHORIZATION, HeaderMap, LOCATION, SET_COOKIE},
};
use runmill_config::Role;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::{Browser, new_run};
use crate::server::{Server, token_of};

fn location(headers: &HeaderMap) -> &str {
    headers[LOCATION].to_str().unwrap()
}

#[tokio::test]
async fn a_token_signs_in_and_leads_to_where_one_wanted_to_go() {
    let server = Server::start().await;
    let mut browser = Browser::new(&server);
    for (path, want) in [("/", "/ui/runs"), ("/ui", "/ui/runs")] {
        assert_eq!(location(browser.get(path).await.headers()), want);
    }
    let wanted = browser.get("/ui/runs?state=paused").await;
    assert_eq!(location(wanted.headers()), "/ui/sign-in?next=%2Fui%2Fruns%3Fstate%3Dpaused");
    let asked = browser.page("/ui/sign-in?next=%2Fui%2Fruns%3Fstate%3Dpaused").await;
    assert!(asked.contains("name=\"next\" value=\"/ui/runs?state=paused\""), "{asked}");

    let token = token_of(Role::Observe);
    let form = [("token", token.as_str()), ("next", "/ui/runs?state=paused")];
    let signed_in = browser.post("/ui/sign-in", &form).send().await.unwrap();
    assert_eq!(location(signed_in.headers()), "/ui/runs?state=paused");
    let set = signed_in.headers()[SET_COOKIE].to_str().unwrap().to_owned();
    assert!(set.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{set}");
    browser.keep(signed_in.headers());
    browser.page("/ui/runs?state=paused").await;

    let out = browser.post("/ui/sign-out", &[]).send().await.unwrap();
    assert!(out.headers()[SET_COOKIE].to_str().unwrap().ends_with("; Max-Age=0"));
    browser.keep(out.headers());
    assert_eq!(browser.get("/ui/runs").await.status(), 303);
}

#[tokio::test]
async fn a_wrong_token_is_refused_with_the_form() {
    let server = Server::start().await;
    let browser = Browser::new(&server);
    let sent = [("token", "wrong-0123456789abcdef"), ("next", "https://example.org/")];
    let refused = browser.post("/ui/sign-in", &sent).send().await.unwrap();
    assert_eq!((refused.status().as_u16(), refused.headers().get(SET_COOKIE)), (401, None));
    let form = refused.text().await.unwrap();
    assert!(form.contains("role=\"alert\"") && form.contains("value=\"/ui/runs\""), "{form}");
    assert!(!form.contains("wrong-0123"), "a token is not repeated: {form}");
}

#[tokio::test]
async fn a_revoked_token_ends_its_session() {
    let server = Server::start().await;
    let token = server.token(json!({"role": "observe"})).await;
    let browser = Browser::with(&server, token["secret"].as_str().unwrap()).await;
    browser.page("/ui/runs").await;
    let revoke = format!("/tokens/{}/revoke", token["id"].as_str().unwrap());
    server.request(Method::POST, &revoke).send().await.unwrap().error_for_status().unwrap();
    assert_eq!(browser.get("/ui/runs").await.status(), 303);
}

#[tokio::test]
async fn a_link_signs_in_once() {
    let server = Server::start().await;
    let code = server.sign_in_codes.issue(token_of(Role::Observe).into());
    let open = format!("/ui/open?code={}", code.expose_secret());
    let mut browser = Browser::new(&server);
    let opened = browser.get(&open).await;
    assert_eq!(opened.status(), 200);
    browser.keep(opened.headers());
    assert!(opened.text().await.unwrap().contains("url=/ui/runs"));
    browser.page("/ui/runs").await;
    let again = Browser::new(&server).get(&open).await;
    assert_eq!((again.status().as_u16(), again.headers().get(SET_COOKIE)), (403, None));
}

#[tokio::test]
async fn the_api_takes_the_session_of_a_browser_and_goes_by_a_header_first() {
    let server = Server::start().await;
    let browser = Browser::of(&server, Role::Observe).await;
    let run = new_run(&server).await;
    for path in
        ["/runs", &format!("/runs/{run}"), "/runs/events?limit=0", &format!("/runs/{run}/events?limit=0")]
    {
        assert_eq!(browser.get(path).await.status(), 200, "{path}");
    }
    let with_header = browser.request(Method::GET, "/runs").header(AUTHORIZATION, "Bearer wrong");
    assert_eq!(with_header.send().await.unwrap().status(), 401);
    // Clients of models have no session.
    assert_eq!(browser.get("/v1/models").await.status(), 401);
}

#[tokio::test]
async fn a_link_of_another_site_asks_once_more_as_ours() {
    let server = Server::start().await;
    let browser = Browser::new(&server);
    let from_elsewhere = browser.request(Method::GET, "/ui/runs?q=a").header("sec-fetch-site", "cross-site");
    let page = from_elsewhere.send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("content=\"0;url=/ui/runs?q=a\""));
}
