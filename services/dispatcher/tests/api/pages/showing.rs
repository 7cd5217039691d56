use reqwest::Method;
use runmill_config::Role;
use runmill_proto::{
    InvocationId, Outcome, RunId, Score,
    message::{Invocation, JobKey},
    testing,
};
use runmill_store::{LogBatch, LogEntry};
use serde_json::json;
use uuid::Uuid;

use super::Browser;
use crate::server::Server;

/// Text that is HTML, and that steers a terminal or the direction of a text.
const HOSTILE: &str =
    "</textarea></li><script>alert(1)</script>\u{1b}[31m\u{202e}<img src=x onerror=alert(1)>\"'&";

/// A run of `items` items, all of them answered with the hostile text.
async fn hostile_run(server: &Server, items: u32) -> RunId {
    let mut new = server.new_run().await;
    let item = |n: u32| {
        json!({"id": format!("{n}{HOSTILE}"), "type": "freeform", "inputs": {"text": HOSTILE}, "answer": HOSTILE,
            "meta": {HOSTILE: HOSTILE}})
        .to_string()
    };
    let lines: Vec<_> = (0..items).map(item).collect();
    let dataset = server.request(Method::POST, "/datasets?name=hostile").body(lines.join("\n"));
    new["dataset_id"] = server.created(dataset).await["id"].clone();
    new["model"] = HOSTILE.into();
    new["config"] = json!({"system_prompt": HOSTILE});
    let run = server.created(server.request(Method::POST, "/runs").json(&new)).await;
    let run_id = run["id"].as_str().unwrap().parse().unwrap();
    let answered = |ordinal| {
        let call = testing::call(InvocationId::from_uuid(Uuid::now_v7()));
        let score = Score {
            scorer: HOSTILE.into(),
            version: 1,
            value: Some(0.0),
            extracted: Some(HOSTILE.into()),
            detail: Some(HOSTILE.into()),
        };
        let key = JobKey { run_id, ordinal, sample: 0 };
        LogEntry::Invocation(Box::new(Invocation {
            item_id: format!("{ordinal}{HOSTILE}"),
            question: HOSTILE.into(),
            response: Some(HOSTILE.into()),
            reasoning: Some(HOSTILE.into()),
            score: Some(score),
            ..testing::invocation(key, call, Outcome::Succeeded)
        }))
    };
    let entries = (0..items).map(answered).collect();
    server.store.write_logs(&LogBatch(entries), server.clock.now()).await.unwrap();
    run_id
}

#[tokio::test]
async fn hostile_text_is_text_on_every_page() {
    let server = Server::start().await;
    let run = hostile_run(&server, 1).await;
    let browser = Browser::of(&server, Role::Admin).await;
    let dataset = server.get(&format!("/runs/{run}")).await["dataset_id"].as_str().unwrap().to_owned();
    let paths = [
        "/ui/runs".to_owned(),
        format!("/ui/runs/{run}"),
        format!("/ui/runs/{run}/results"),
        format!("/ui/runs/{run}/results/rows"),
        format!("/ui/runs/{run}/items/0"),
        format!("/ui/runs/{run}/log"),
        format!("/ui/runs/{run}/log/lines"),
        format!("/ui/compare?run={run}"),
        format!("/ui/new?dataset={dataset}"),
        "/ui/runs?q=%3Cscript%3Ealert(1)%3C%2Fscript%3E%E2%80%AE".to_owned(),
    ];
    for path in paths {
        let html = browser.page(&path).await;
        assert!(html.contains("&lt;script&gt;alert(1)"), "{path} does not show the text: {html}");
        for absent in ["<script>", "</textarea></li>", "<img src=x", "\u{1b}"] {
            assert!(!html.contains(absent), "{path} has {absent:?}: {html}");
        }
    }
}

#[tokio::test]
async fn parts_of_results_follow_each_other_without_a_gap() {
    let server = Server::start().await;
    let run = hostile_run(&server, 230).await;
    let browser = Browser::of(&server, Role::Observe).await;
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let part =
            browser.page(&format!("/ui/runs/{run}/results/rows?outcome=&item_id=&after={after}")).await;
        let ordinals =
            part.split("/items/").skip(1).map(|rest| rest.split('#').next().unwrap().parse::<u32>().unwrap());
        seen.extend(ordinals);
        let Some(next) = part.split("data-next=\"").nth(1) else { break };
        after = next.split('"').next().unwrap().to_owned();
    }
    assert_eq!(seen, (0..230).collect::<Vec<_>>());
    let from = browser.page(&format!("/ui/runs/{run}/results?from=200")).await;
    assert!(from.contains("/items/200#") && !from.contains("/items/199#"), "{from}");
    assert_eq!(browser.get(&format!("/ui/runs/{run}/results?outcome=lost")).await.status(), 400);
}

#[tokio::test]
async fn lines_of_the_log_go_on_after_the_last_one() {
    let server = Server::start().await;
    let run = hostile_run(&server, 5).await;
    let browser = Browser::of(&server, Role::Observe).await;
    let last = server.get(&format!("/runs/{run}")).await["seq"].as_u64().unwrap();
    let seqs = |html: &str| html.matches("data-seq=").count();
    let all = browser.page(&format!("/ui/runs/{run}/log/lines?after=0")).await;
    assert!(all.contains(&format!("data-last=\"{last}\"")), "{all}");
    let half = browser.page(&format!("/ui/runs/{run}/log/lines?after={}", last - 3)).await;
    assert!((1..=3).contains(&seqs(&half)) && seqs(&half) < seqs(&all), "{half}");
    let first = format!("data-seq=\"{}\"", last - 3);
    assert!(!half.contains(&first), "the line {first} would be there twice: {half}");
    let none = browser.page(&format!("/ui/runs/{run}/log/lines?after={last}")).await;
    assert_eq!(seqs(&none), 0);
    let item = browser.page(&format!("/ui/runs/{run}/log?kind=results&item=2")).await;
    assert_eq!(seqs(&item), 1, "{item}");
}
