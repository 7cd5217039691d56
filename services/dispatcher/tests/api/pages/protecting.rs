use reqwest::{Method, StatusCode};
use runmill_config::Role;

use super::{Browser, new_run};
use crate::server::Server;

#[tokio::test]
async fn another_site_changes_nothing_with_the_session_of_a_browser() {
    let server = Server::start().await;
    let browser = Browser::of(&server, Role::Admin).await;
    let run = new_run(&server).await;
    let senders: [&[(&str, &str)]; 5] = [
        &[],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://example.org")],
        &[("origin", "null")],
    ];
    for headers in senders {
        for path in
            [format!("/ui/runs/{run}/cancel"), format!("/runs/{run}/cancel"), "/ui/sign-out".to_owned()]
        {
            let mut request = browser.request(Method::POST, &path);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let form = request.header("content-type", "application/x-www-form-urlencoded").body("back=%2F");
            assert_eq!(form.send().await.unwrap().status(), StatusCode::FORBIDDEN, "{path} {headers:?}");
        }
    }
    assert_eq!(server.get(&format!("/runs/{run}")).await["status"], "pending");

    let origin = [("origin", server.base_url.as_str())];
    let ours = browser.request(Method::POST, &format!("/runs/{run}/cancel")).header(origin[0].0, origin[0].1);
    assert_eq!(ours.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn every_page_forbids_what_it_does_not_need() {
    let server = Server::start().await;
    let run = new_run(&server).await;
    let browser = Browser::of(&server, Role::Admin).await;
    let run = format!("/ui/runs/{run}");
    let paths = ["/ui/sign-in", "/ui/runs", &run, "/ui/absent", "/ui/runs/run_x", "/ui/open?code=x"];
    for path in paths {
        let response = browser.get(path).await;
        let headers = response.headers().clone();
        let policy = headers["content-security-policy"].to_str().unwrap();
        for part in ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"]
        {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(headers["cache-control"], "no-store", "{path}");
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["content-type"], "text/html; charset=utf-8", "{path}");
        let html = response.text().await.unwrap();
        assert!(!html.contains("style=\"") && !html.contains("onclick"), "{path}: {html}");
        assert!(!html.contains("<script>"), "{path}: {html}");
    }
}

#[tokio::test]
async fn files_are_kept_by_their_version() {
    let server = Server::start().await;
    let browser = Browser::new(&server);
    let form = browser.page("/ui/sign-in").await;
    let url = form
        .split("href=\"")
        .find_map(|part| part.split('"').next().filter(|url| url.ends_with("style.css")));
    let url = url.unwrap();
    let current = browser.get(url).await;
    assert_eq!(current.headers()["cache-control"], "public, max-age=31536000, immutable");
    assert_eq!(current.headers()["content-type"], "text/css; charset=utf-8");
    let other = browser.get("/ui/assets/0000000000000000/live.js").await;
    assert_eq!(
        (other.status().as_u16(), &other.headers()["cache-control"]),
        (200, &"no-cache".parse().unwrap())
    );
    assert_eq!(browser.get("/ui/assets/0/absent.js").await.status(), 404);
}

#[tokio::test]
async fn reports_of_a_violated_policy_are_taken_up_to_a_size() {
    let server = Server::start().await;
    let browser = Browser::new(&server);
    let report =
        |bytes: usize| browser.request(Method::POST, "/ui/csp-report").body("x".repeat(bytes)).send();
    assert_eq!(report(100).await.unwrap().status(), 204);
    assert_eq!(report(20_000).await.unwrap().status(), 413);
}
