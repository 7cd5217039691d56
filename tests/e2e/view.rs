//! The pages of `runmill view`, over a data directory.

use reqwest::{
    Client, Response,
    header::{COOKIE, SET_COOKIE},
    redirect::Policy,
};

use crate::support::{Sandbox, data::questions};

async fn get(url: &str, cookie: &str) -> Response {
    // Fails if another test has installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
    client.get(url).header(COOKIE, cookie).send().await.unwrap()
}

#[tokio::test]
async fn a_link_shows_the_runs_of_a_data_directory_and_changes_none() {
    let sandbox = Sandbox::new().await;
    let dataset = sandbox.write("items.jsonl", &questions(20));
    let run = sandbox.run(&dataset, "lorem", &[]).output().await;
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));

    // The directory is named, in place of the one of the environment.
    let folder = sandbox.path("data").display().to_string();
    let view = sandbox.runmill(&["view", &folder]).env("RUNMILL_DATA_DIR", "/nonexistent").start();
    let said = view.line_with("/ui/open?code=").await;
    let link = said.split_whitespace().find(|word| word.starts_with("http://")).unwrap();
    let opened = get(link, "").await;
    assert_eq!(opened.status(), 200);
    let cookie = opened.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    let (base, _) = link.split_once("/ui/").unwrap();
    let runs = get(&format!("{base}/ui/runs"), &cookie).await.text().await.unwrap();
    assert!(runs.contains("20 of 20") && runs.contains("lorem"), "{runs}");
    assert!(!runs.contains("Retry") && !runs.contains("/ui/new"), "{runs}");
    assert_eq!(get(&format!("{base}/ui/new"), &cookie).await.status(), 403);
    assert_eq!(get(link, "").await.status(), 403, "the link works once");

    view.signal("INT");
    assert_eq!(view.ended().await, Some(0));
}

#[tokio::test]
async fn a_directory_without_runs_is_named() {
    let sandbox = Sandbox::new().await;
    let output = sandbox.runmill(&["view", "/nonexistent"]).output().await;
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("/nonexistent has no runs"), "{said}");
}
