use reqwest::header::LOCATION;
use runmill_config::Role;

use super::{Browser, new_run};
use crate::server::{Server, settle_as_failed};

#[tokio::test]
async fn buttons_change_the_run_and_lead_back() {
    let server = Server::start().await;
    let run = new_run(&server).await;
    let browser = Browser::of(&server, Role::Submit).await;
    let steer = async |action: &str| {
        let back = [("back", "/ui/runs?q=a")];
        let done = browser.post(&format!("/ui/runs/{run}/{action}"), &back).send().await.unwrap();
        assert_eq!(done.status(), 303, "{action}");
        assert_eq!(done.headers()[LOCATION], "/ui/runs?q=a");
        server.get(&format!("/runs/{run}")).await
    };
    assert_eq!(steer("pause").await["paused"], true);
    let page = browser.page(&format!("/ui/runs/{run}")).await;
    assert!(page.contains("paused by a user") && page.contains("/resume\""), "{page}");
    assert_eq!(steer("resume").await["paused"], false);
    settle_as_failed(&server, &run).await;
    let page = browser.page(&format!("/ui/runs/{run}")).await;
    assert!(page.contains("Retry failed") && !page.contains("/pause\""), "{page}");
    assert_eq!(steer("retry-failed").await["status"], "running");
    assert_ne!(steer("cancel").await["cancel_requested_at"], serde_json::Value::Null);

    let audit = server.get("/audit").await;
    let actions: Vec<_> = audit["items"].as_array().unwrap().iter().map(|it| it["action"].clone()).collect();
    for action in ["run.pause", "run.resume", "run.retry_failed", "run.cancel"] {
        assert!(actions.contains(&action.into()), "{action} is not in the audit log: {actions:?}");
    }
}

#[tokio::test]
async fn a_change_that_is_not_possible_is_a_page_with_the_reason() {
    let server = Server::start().await;
    let run = new_run(&server).await;
    settle_as_failed(&server, &run).await;
    let browser = Browser::of(&server, Role::Submit).await;
    let refused = browser.post(&format!("/ui/runs/{run}/pause"), &[]).send().await.unwrap();
    assert_eq!(refused.status(), 409);
    let html = refused.text().await.unwrap();
    assert!(html.contains("<h1 id=\"refusal\">Conflict</h1>"), "{html}");
}
