//! Input that is meant to do harm is refused, or stored as the text that it is, and the server goes on.

use reqwest::{Method, RequestBuilder, StatusCode, header::CONTENT_TYPE};
use serde_json::{Value, json};

use crate::server::{Server, pointers, refused};

/// Texts that programs of other kinds would run, resolve or cut.
const TEXTS: [&str; 10] = [
    "'; DROP TABLE runs; --",
    "\" OR 1=1 --",
    "../../../../etc/passwd",
    "..\\..\\windows\\win.ini",
    "{{ 7 * 7 }}{% include '/etc/passwd' %}",
    "<script>alert(1)</script>",
    "$(id) `id` ; id | id & id",
    "%00%0d%0aset-cookie:%20a=b",
    "${jndi:ldap://127.0.0.1/a}",
    "\u{feff}\u{1f4a9}\u{301}e",
];

/// Every request with a body, each with a place in it for a name.
fn with_bodies(server: &Server) -> Vec<RequestBuilder> {
    let routes = [
        (Method::POST, "/providers"),
        (Method::POST, "/runs"),
        (Method::POST, "/tokens"),
        (Method::PUT, "/settings"),
        (Method::POST, "/datasets?name=hostile"),
    ];
    let request = |(method, path)| server.request(method, path).header(CONTENT_TYPE, "application/json");
    routes.into_iter().map(request).collect()
}

async fn assert_nothing_was_made(server: &Server, settings: &Value) {
    for path in ["/providers", "/runs", "/tokens", "/datasets"] {
        assert_eq!(server.get(path).await["items"], json!([]), "{path}");
    }
    assert_eq!(server.get("/settings").await, *settings);
}

#[tokio::test]
async fn texts_that_are_code_elsewhere_are_stored_as_they_are() {
    let server = Server::start().await;
    for text in TEXTS {
        let item = json!({"id": text, "type": "freeform", "inputs": {"text": text}, "meta": {text: text}});
        let dataset = server.request(Method::POST, "/datasets").query(&[("name", text)]);
        let dataset = server.created(dataset.body(item.to_string())).await;
        let provider = json!({"name": text, "kind": "custom", "base_url": "https://h/v1",
            "api_keys": [{"label": text, "value": "sk-0123456789abcdef"}]});
        let provider = server.created(server.request(Method::POST, "/providers").json(&provider)).await;
        let run = json!({"name": text, "model": text, "provider_id": provider["id"], "dataset_id": dataset["id"],
            "config": {"system_prompt": text}});
        let run = server.created(server.request(Method::POST, "/runs").json(&run)).await;
        let token = server.token(json!({"name": text})).await;
        let cancel = format!("/runs/{}/cancel", run["id"].as_str().unwrap());
        server.request(Method::POST, &cancel).send().await.unwrap().error_for_status().unwrap();
        let id = |made: &Value| made["id"].as_str().unwrap().to_owned();

        for (list, made) in
            [("/datasets", &dataset), ("/providers", &provider), ("/runs", &run), ("/tokens", &token)]
        {
            assert_eq!(made["name"], text, "{list}");
            let page = server.get(list).await;
            let found = page["items"].as_array().unwrap().iter().find(|it| it["id"] == made["id"]).unwrap();
            assert_eq!(found["name"], text, "{list}");
        }
        assert_eq!(server.get(&format!("/runs/{}", id(&run))).await["model"], text);
        let items = server.get(&format!("/datasets/{}/items", id(&dataset))).await;
        for field in ["id", "inputs", "meta"] {
            assert_eq!(items["items"][0][field], item[field]);
        }
        let deleted = server.request(Method::DELETE, &format!("/runs/{}", id(&run))).send().await.unwrap();
        assert_eq!(deleted.status(), 204);
    }
}

#[tokio::test]
async fn ids_paths_and_queries_lead_nowhere_else() {
    let server = Server::start().await;
    let texts = [
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e%2f",
        "'%20OR%201=1--",
        "%00",
        "run_%ff",
        "run_%F0%9F%92%A9",
        "run_0%0d%0aa:b",
    ];
    for text in texts {
        for path in ["/runs/", "/datasets/", "/providers/"] {
            for method in [Method::GET, Method::DELETE] {
                let problem = refused(server.request(method, &format!("{path}{text}"))).await;
                assert!([400, 404].contains(&problem.status), "{path}{text}: {problem:?}");
            }
        }
        for path in ["/docs/", "/openapi.json/", "/metrics/"] {
            let response = server.anonymous(Method::GET, &format!("{path}{text}")).send().await.unwrap();
            assert!([400, 404].contains(&response.status().as_u16()), "{path}{text}: {}", response.status());
        }
        for path in
            ["/runs?after=", "/datasets?version_hash=", "/runs?key_prefix=", "/audit?after=", "/runs?limit="]
        {
            let response = server.request(Method::GET, &format!("{path}{text}")).send().await.unwrap();
            let status = response.status();
            let body: Value = response.json().await.unwrap();
            let is_empty = status == StatusCode::OK && body["items"] == json!([]);
            assert!(is_empty || status == StatusCode::BAD_REQUEST, "{path}{text}: {status} {body}");
        }
    }
}

#[tokio::test]
async fn a_body_in_another_encoding_is_refused() {
    let server = Server::start().await;
    let settings = server.get("/settings").await;
    let text = r#"{"name":"x","kind":"custom","base_url":"https://h/v1","id":"x","type":"freeform","inputs":{"text":"?"}}"#;
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let bodies: [(&str, Vec<u8>); 5] = [
        ("UTF-16 without a mark", utf16.clone()),
        ("UTF-16 with a mark", [&[0xff, 0xfe][..], &utf16].concat()),
        ("a byte that is no text", [&text.as_bytes()[..9], &[0xff], &text.as_bytes()[9..]].concat()),
        ("half of a surrogate pair", text.replace("\"x\"", r#""\ud800""#).into_bytes()),
        ("NUL between the fields", text.replace(',', ",\0").into_bytes()),
    ];
    for (kind, body) in bodies {
        for request in with_bodies(&server) {
            let problem = refused(request.body(body.clone())).await;
            assert_eq!(problem.status, 400, "{kind}: {problem:?}");
        }
    }
    assert_nothing_was_made(&server, &settings).await;
}

#[tokio::test]
async fn json_that_is_nested_deeply_is_refused() {
    let server = Server::start().await;
    let settings = server.get("/settings").await;
    for depth in [1_000, 2_000, 30_000, 100_000] {
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
            let nested = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let bodies = [
                nested.clone(),
                format!(r#"{{"name":"x","config":{nested}}}"#),
                format!(r#"{{"id":"a","type":"freeform","inputs":{{"text":"?"}},"meta":{nested}}}"#),
                open.repeat(depth),
            ];
            for body in bodies {
                for request in with_bodies(&server) {
                    let status = refused(request.body(body.clone())).await.status;
                    assert!([400, 413].contains(&status), "{depth} of {open}: {status}");
                }
            }
        }
    }
    assert_nothing_was_made(&server, &settings).await;
}

/// Compiling it would exhaust the stack of a thread, and so end the process.
#[tokio::test]
async fn a_template_that_no_compiler_should_see_is_refused() {
    let server = Server::start().await;
    let run = server.new_run().await;
    for (template, want) in [
        (format!("{{{{ {} text }}}}", "-".repeat(310)), "more than 300"),
        (format!("{{{{ {}text{} }}}}", "(".repeat(1_000), ")".repeat(1_000)), "line 1"),
        ("{% if text %}".repeat(250), "recursion"),
        ("{{ text".to_owned(), "unexpected end"),
    ] {
        let mut run = run.clone();
        run["config"] = json!({"prompt_template": template});
        let problem = refused(server.request(Method::POST, "/runs").json(&run)).await;
        assert_eq!(
            (problem.status, pointers(&problem)),
            (400, vec!["/config/prompt_template"]),
            "{problem:?}"
        );
        assert!(format!("{problem:?}").contains(want), "{problem:?}");
    }
}
