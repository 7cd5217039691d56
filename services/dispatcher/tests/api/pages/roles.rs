use reqwest::Method;
use runmill_config::Role;
use serde_json::json;

use super::{Browser, new_run};
use crate::server::{Server, line};

/// Pages of a run, by its id.
const OF_A_RUN: [&str; 6] = ["", "/results", "/results/rows", "/log", "/log/lines", "/items/0"];

#[tokio::test]
async fn each_role_sees_what_it_may_use() {
    let server = Server::start().await;
    let run = new_run(&server).await;
    for &role in Role::ALL {
        let browser = Browser::of(&server, role).await;
        let mut paths = vec!["/ui/runs".to_owned(), "/ui/compare".to_owned(), "/ui/providers".to_owned()];
        paths.push(format!("/ui/compare?run={run}"));
        paths.extend(OF_A_RUN.map(|page| format!("/ui/runs/{run}{page}")));
        for path in paths {
            browser.page(&path).await;
        }
        let may_steer = role >= Role::Submit;
        for path in ["/ui/runs", &format!("/ui/runs/{run}")] {
            let html = browser.page(path).await;
            assert_eq!(html.contains("/pause\""), may_steer, "{role}: {path}");
            assert_eq!(html.contains("href=\"/ui/new\""), may_steer, "{role}: {path}");
        }
    }
}

#[tokio::test]
async fn an_observer_is_refused_by_the_server_too() {
    let server = Server::start().await;
    let run = new_run(&server).await;
    let browser = Browser::of(&server, Role::Observe).await;
    let forms =
        ["pause", "resume", "cancel", "retry-failed"].map(|action| format!("/ui/runs/{run}/{action}"));
    let others =
        ["/ui/new/start", "/ui/new/smoke-test", "/ui/new/estimate", "/ui/datasets"].map(str::to_owned);
    for path in forms.into_iter().chain(others) {
        let refused = browser.post(&path, &[]).send().await.unwrap();
        let status = refused.status();
        let html = refused.text().await.unwrap();
        assert_eq!(status, 403, "{path}: {html}");
        assert!(html.contains("needs a token with the role submit"), "{path}: {html}");
    }
    assert_eq!(browser.get("/ui/new").await.status(), 403);
    assert_eq!(server.get(&format!("/runs/{run}")).await["status"], "pending");
}

#[tokio::test]
async fn a_tenant_sees_nothing_of_another() {
    let server = Server::start().await;
    let run = new_run(&server).await;
    let other = server.token(json!({"role": "admin", "tenant": "other"})).await;
    let browser = Browser::with(&server, other["secret"].as_str().unwrap()).await;
    for page in OF_A_RUN {
        let path = format!("/ui/runs/{run}{page}");
        assert_eq!(browser.get(&path).await.status(), 404, "{path}");
    }
    for action in ["pause", "resume", "cancel", "retry-failed"] {
        let path = format!("/ui/runs/{run}/{action}");
        assert_eq!(browser.post(&path, &[]).send().await.unwrap().status(), 404, "{path}");
    }
    let compared = browser.get(&format!("/ui/compare?run={run}")).await;
    assert_eq!(compared.status(), 404);
    let dataset = server.created(server.request(Method::POST, "/datasets?name=theirs").body(line("a"))).await;
    let dataset = format!("/ui/new?dataset={}", dataset["id"].as_str().unwrap());
    assert_eq!(browser.get(&dataset).await.status(), 404);
    for path in ["/ui/runs", "/ui/providers", "/ui/new", "/ui/compare"] {
        let html = browser.page(path).await;
        for absent in [run.as_str(), "ours", "theirs", "echo"] {
            assert!(!html.contains(absent), "{path} has {absent}: {html}");
        }
    }
}
