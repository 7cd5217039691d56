use reqwest::{Method, RequestBuilder, header::LOCATION};
use runmill_config::Role;

use super::Browser;
use crate::server::Server;

const CSV: &str = "question,answer\n1 + 1?,2\n2 + 2?,4\n";

/// Sends the form of an upload.
fn upload(browser: &Browser, map: &str, file: &str) -> RequestBuilder {
    let part = |name: &str, more: &str, value: &str| {
        format!("--limit\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n{value}\r\n")
    };
    let file = part("file", "; filename=\"sums.csv\"\r\nContent-Type: text/csv", file);
    let body = format!("{}{}{file}--limit--\r\n", part("name", "", ""), part("map", "", map));
    browser
        .request(Method::POST, "/ui/datasets")
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "multipart/form-data; boundary=limit")
        .body(body)
}

#[tokio::test]
async fn a_file_and_a_form_become_a_run() {
    let server = Server::start().await;
    let provider = server.new_run().await["provider_id"].as_str().unwrap().to_owned();
    let browser = Browser::of(&server, Role::Submit).await;
    let uploaded = upload(&browser, "", CSV).send().await.unwrap();
    assert_eq!(uploaded.status(), 303, "{}", uploaded.text().await.unwrap());
    let next = uploaded.headers()[LOCATION].to_str().unwrap().to_owned();
    let page = browser.page(&next).await;
    for shown in ["sums", "2 items", "1 + 1?", "2 + 2?", "CSV", "of several, any is right"] {
        assert!(page.contains(shown), "no {shown}: {page}");
    }

    let dataset = next.strip_prefix("/ui/new?dataset=").unwrap();
    let form = [
        ("dataset", dataset),
        ("provider", &provider),
        ("model", "m"),
        ("samples", "3"),
        ("temperature", "0.5"),
        ("max_tokens", "10"),
        ("budget_usd", "2.5"),
        ("scorer", "numeric"),
        ("template", "{{ text }} Answer with a number."),
    ];
    let estimated = browser.post("/ui/new/estimate", &form).send().await.unwrap().text().await.unwrap();
    assert!(estimated.contains("6 (2 items, 3 samples each)"), "{estimated}");
    assert!(estimated.contains("value=\"0.5\""), "what was typed stays: {estimated}");
    let tested = browser.post("/ui/new/smoke-test", &form).send().await.unwrap();
    assert_eq!(tested.status(), 503, "no executor runs");
    assert!(tested.text().await.unwrap().contains("executor"));
    assert_eq!(server.get("/runs").await["items"], serde_json::json!([]), "nothing is started yet");

    let started = browser.post("/ui/new/start", &form).send().await.unwrap();
    assert_eq!(started.status(), 303);
    let path = started.headers()[LOCATION].to_str().unwrap();
    let run = server.get(path.strip_prefix("/ui").unwrap()).await;
    assert_eq!((&run["model"], &run["counters"]["total"]), (&"m".into(), &6.into()));
    assert_eq!(run["config"]["generation"], serde_json::json!({"temperature": 0.5, "max_new_tokens": 10}));
    assert_eq!(
        (&run["config"]["scoring"]["scorer"], &run["budget"]["cost_usd"]),
        (&"numeric".into(), &2.5.into())
    );
}

#[tokio::test]
async fn wrong_values_lead_back_to_the_form_with_each_fault() {
    let server = Server::start().await;
    let new = server.new_run().await;
    let browser = Browser::of(&server, Role::Submit).await;
    let text = |field: &str| new[field].as_str().unwrap().to_owned();
    let (dataset, provider) = (text("dataset_id"), text("provider_id"));
    let form = [("dataset", dataset.as_str()), ("provider", &provider), ("model", " "), ("samples", "0")];
    for path in ["/ui/new/start", "/ui/new/estimate"] {
        let refused = browser.post(path, &form).send().await.unwrap();
        assert_eq!(refused.status(), 400);
        let page = refused.text().await.unwrap();
        for shown in ["/model", "/config/samples", "role=\"alert\"", "value=\"0\""] {
            assert!(page.contains(shown), "{path}: no {shown}: {page}");
        }
    }
    assert_eq!(server.get("/runs").await["items"], serde_json::json!([]));
}

#[tokio::test]
async fn a_file_that_cannot_be_read_leads_back_with_the_reason() {
    let server = Server::start().await;
    let browser = Browser::of(&server, Role::Submit).await;
    for (map, file, want) in [
        ("", "question,answer\n", "empty"),
        ("question=absent", CSV, "absent"),
        ("question", CSV, "map"),
        ("", "{\"id\":\"a\",\"type\":\"essay\",\"inputs\":{\"text\":\"?\"}}\n", "essay"),
    ] {
        let refused = upload(&browser, map, file).send().await.unwrap();
        assert!(refused.status().is_client_error(), "{map} {file}: {}", refused.status());
        let page = refused.text().await.unwrap();
        assert!(page.contains("role=\"alert\"") && page.contains(want), "{map} {file}: {page}");
    }
    assert_eq!(server.get("/datasets").await["items"], serde_json::json!([]));
}
