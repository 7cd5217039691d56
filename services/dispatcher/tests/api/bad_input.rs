use std::io::Write;

use reqwest::{Method, header::CONTENT_TYPE};
use runmill_proto::{DatasetId, ProviderId, RunId};
use serde_json::json;
use uuid::Uuid;

use crate::server::{BODY_MAX_BYTES, Server, line, pointers, refused};

#[tokio::test]
async fn a_bad_line_is_named_with_its_number_and_reason_and_nothing_is_stored() {
    let server = Server::start().await;
    let (a, b) = (line("a"), line("b"));
    let table = [
        (format!("{a}\n{{\"id\":\n{b}\n"), "line 2: ", "EOF"),
        (format!("{a}\n\n[1]\n"), "line 3: ", "invalid type"),
        (format!("{a}\n{b}\n{a}\n"), "line 3: ", "id occurred before"),
        (format!("{a}\n{}\n", line(&"x".repeat(70_000))), "line 2: ", "longer than 65536 bytes"),
        (format!("{a}\n{}", r#"{"id":"c","type":"freeform"}"#), "line 2: ", "inputs"),
        ("q,a\n?,1\n".into(), "the fields are q, a; ", "say what they are"),
        ("question,answer\n?,1\n!\n".into(), "line 3: ", "it has 1 cells, and the header has 2"),
        ("question,answer\n?,1\n,2\n".into(), "line 3: ", "`question` is null"),
        ("PK\u{3}\u{4}xl/".into(), "this is an Excel workbook", "send JSONL, CSV or Arrow"),
        ("PK\u{3}\u{4}".into(), "this is a zip archive", "save the sheet as CSV"),
        ("PAR1 PAR1".into(), "this is Parquet", "send JSONL, CSV or Arrow"),
    ];
    for (lines, number, reason) in table {
        let problem = refused(server.request(Method::POST, "/datasets?name=bad").body(lines)).await;
        assert_eq!(problem.status, 400, "{problem:?}");
        assert!(problem.detail.starts_with(number) && problem.detail.contains(reason), "{problem:?}");
    }
    assert_eq!(server.get("/datasets").await["items"], json!([]));
}

#[tokio::test]
async fn files_of_other_forms_are_recognised_by_their_bytes() {
    let server = Server::start().await;
    let gzip = {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(b"question;answer\n6 x 7?;42\n").unwrap();
        packed.finish().unwrap()
    };
    let table: [(&str, &[u8]); 5] = [
        ("", b"question,answer\n6 x 7?,42\n"),
        ("", b"[{\"question\": \"6 x 7?\",\n \"answer\": 42}]"),
        ("", b"{\"question\": \"6 x 7?\", \"answer\": 42}\n"),
        ("&map=question=q,answer=a", b"q\ta\n6 x 7?\t42\n"),
        ("", &gzip),
    ];
    for (map, body) in table {
        let path = format!("/datasets?name=file{map}");
        let response = server.request(Method::POST, &path).body(body.to_vec()).send().await.unwrap();
        let status = response.status();
        let dataset: serde_json::Value = response.json().await.unwrap();
        assert_eq!((status.as_u16(), &dataset["item_count"]), (201, &json!(1)), "{dataset}");
        let items = server.get(&format!("/datasets/{}/items", dataset["id"].as_str().unwrap())).await;
        let item = &items["items"][0];
        assert_eq!((&item["inputs"]["text"], &item["answer"]), (&json!("6 x 7?"), &json!("42")), "{items}");
    }
    let public = |file| {
        std::fs::read(format!("{}/../../tests/data/public/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    };
    for file in ["arc.arrow", "mmlu.feather"] {
        let body = public(file);
        let dataset = server.created(server.request(Method::POST, "/datasets?name=arrow").body(body)).await;
        assert_eq!(dataset["item_count"], 2, "{file}: {dataset}");
    }
    // The bytes behind the items show that a file is whole.
    let mut cut = public("mmlu.feather");
    cut.pop();
    let problem = refused(server.request(Method::POST, "/datasets?name=arrow").body(cut)).await;
    assert_eq!(problem.detail, "line 3: the file cannot be read as Arrow: it is cut off", "{problem:?}");
    let path = "/datasets?name=file&map=question";
    let problem = refused(server.request(Method::POST, path).body("q\n?\n")).await;
    assert_eq!((problem.status, problem.detail.as_str()), (400, "map: `question` is not PART=FIELD"));
}

#[tokio::test]
async fn a_dataset_without_a_line_is_refused() {
    let server = Server::start().await;
    let problem = refused(server.request(Method::POST, "/datasets?name=none").body("\n\n")).await;
    assert_eq!(problem.status, 409, "{problem:?}");
}

#[tokio::test]
async fn a_run_of_what_is_not_there_is_refused_with_the_places() {
    let server = Server::start().await;
    let provider = ProviderId::from_uuid(Uuid::now_v7());
    let dataset = DatasetId::from_uuid(Uuid::now_v7());
    let body = json!({"provider_id": provider, "dataset_id": dataset, "model": " ", "priority": 0,
        "config": {"samples": 0}});

    let problem = refused(server.request(Method::POST, "/runs").json(&body)).await;

    assert_eq!(problem.status, 400);
    assert_eq!(pointers(&problem), ["/provider_id", "/dataset_id", "/model", "/priority", "/config/samples"]);
    assert!(problem.errors[0].detail.contains(&provider.to_string()), "{problem:?}");
}

#[tokio::test]
async fn a_run_of_an_unknown_provider_alone_says_so_in_its_detail() {
    let server = Server::start().await;
    let mut body = server.new_run().await;
    let unknown = ProviderId::from_uuid(Uuid::now_v7());
    body["provider_id"] = json!(unknown);

    let problem = refused(server.request(Method::POST, "/runs").json(&body)).await;

    assert_eq!((problem.status, pointers(&problem)), (400, vec!["/provider_id"]));
    assert!(problem.detail.contains(&unknown.to_string()), "{problem:?}");
    assert_eq!(server.get("/runs").await["items"], json!([]));
}

#[tokio::test]
async fn a_name_that_nobody_can_read_is_refused() {
    let server = Server::start().await;
    let run = server.new_run().await;
    let long = "x".repeat(201);
    for name in ["", " ", " \u{a0}\u{2003}", "\n\r\n", "a\nb", "a\u{202e}b", "\u{0}", "\u{fffd}", &long] {
        let named = |mut body: serde_json::Value| {
            body["name"] = json!(name);
            body
        };
        let provider = named(json!({"kind": "custom", "base_url": "https://h/v1"}));
        for request in [
            server.request(Method::POST, "/datasets").query(&[("name", name)]).body(line("a")),
            server.request(Method::POST, "/providers").json(&provider),
            server.request(Method::POST, "/runs").json(&named(run.clone())),
            server.request(Method::POST, "/tokens").json(&named(json!({"role": "observe"}))),
        ] {
            let problem = refused(request).await;
            assert_eq!((problem.status, pointers(&problem)), (400, vec!["/name"]), "{name:?}: {problem:?}");
        }
    }
    let not_utf8 = refused(server.request(Method::POST, "/datasets?name=%ff").body(line("a"))).await;
    assert_eq!((not_utf8.status, pointers(&not_utf8)), (400, vec!["/name"]), "{not_utf8:?}");
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_and_one_below_is_read() {
    let server = Server::start().await;
    let body = |bytes: usize| json!({"name": "x".repeat(bytes)});

    let over = refused(server.request(Method::POST, "/providers").json(&body(BODY_MAX_BYTES))).await;
    let below = refused(server.request(Method::POST, "/providers").json(&body(BODY_MAX_BYTES / 2))).await;

    assert_eq!((over.status, below.status), (413, 400), "{over:?} {below:?}");
}

#[tokio::test]
async fn a_dataset_may_be_longer_than_a_body() {
    let server = Server::start().await;
    let lines = (0..200).fold(String::new(), |lines, n| lines + &line(&format!("q{n}")) + "\n");
    assert!(lines.len() > 2 * BODY_MAX_BYTES);

    let dataset = server.created(server.request(Method::POST, "/datasets?name=long").body(lines)).await;

    assert_eq!(dataset["item_count"], 200);
}

#[tokio::test]
async fn a_body_that_is_not_the_json_that_is_asked_for_is_refused() {
    let server = Server::start().await;
    let table = [
        ("application/json", "{\"name\":", 400, "EOF"),
        ("application/json", "", 400, "EOF"),
        ("application/json", "{\"name\": 1}", 400, "name"),
        (
            "application/json",
            "{\"name\": \"x\", \"kind\": \"abacus\"}",
            400,
            "kind: must be one of `openai`, ",
        ),
        ("text/plain", "{}", 415, "application/json"),
    ];
    for (content_type, body, status, reason) in table {
        let request =
            server.request(Method::POST, "/providers").header(CONTENT_TYPE, content_type).body(body);
        let problem = refused(request).await;
        assert_eq!(problem.status, status, "{body}: {problem:?}");
        assert!(problem.detail.contains(reason), "{body}: {problem:?}");
    }
}

#[tokio::test]
async fn a_path_or_query_that_means_nothing_is_refused() {
    let server = Server::start().await;
    let absent = RunId::from_uuid(Uuid::now_v7());
    let table = [
        (Method::GET, "/no/such/path".to_owned(), 404),
        (Method::GET, "/runs/not-an-id".to_owned(), 400),
        (Method::GET, format!("/runs/{absent}"), 404),
        (Method::POST, format!("/runs/{absent}/cancel"), 404),
        (Method::GET, format!("/runs/{absent}/events"), 404),
        (Method::GET, format!("/runs/{absent}/results"), 404),
        (Method::GET, "/runs?limit=0".to_owned(), 400),
        (Method::GET, "/runs?limit=many".to_owned(), 400),
        (Method::GET, "/runs?after=nobody".to_owned(), 400),
        (Method::DELETE, "/runs".to_owned(), 405),
        (Method::POST, "/datasets".to_owned(), 400),
    ];
    for (method, path, status) in table {
        let problem = refused(server.request(method.clone(), &path)).await;
        assert_eq!(problem.status, status, "{method} {path}: {problem:?}");
    }
}

#[tokio::test]
async fn a_key_in_the_wrong_place_is_not_repeated() {
    let server = Server::start().await;
    let key = "sk-in-the-wrong-place";
    for (field, value) in
        [("api_keys", json!(key)), ("api_keys", json!([key])), ("headers", json!(key)), ("kind", json!(key))]
    {
        let mut body = json!({"name": "x", "kind": "custom", "base_url": "https://h/v1"});
        body[field] = value;
        let problem = refused(server.request(Method::POST, "/providers").json(&body)).await;
        assert!(problem.detail.contains(field), "{problem:?}");
        assert!(!problem.detail.contains(key), "{problem:?}");
    }
}

#[tokio::test]
async fn a_base_url_with_a_secret_is_refused_with_words_and_not_repeated() {
    let server = Server::start().await;
    let run = server.new_run().await;
    let path = format!("/providers/{}", run["provider_id"].as_str().unwrap());
    let table = [
        ("https://me:hunter2hunter2@api.example/v1", "no user name or password"),
        ("https://api.example/v1#key=hunter2hunter2", "no `#`"),
        ("https://api.example/v1?key=hunter2hunter2", "no query"),
    ];
    for (base_url, want) in table {
        let provider = json!({"name": "x", "kind": "custom", "base_url": base_url});
        let requests = [
            server.request(Method::POST, "/providers").json(&provider),
            server.request(Method::PATCH, &path).json(&json!({"base_url": base_url})),
        ];
        for request in requests {
            let problem = refused(request).await;
            assert!(problem.status == 400 && format!("{problem:?}").contains(want), "{problem:?}");
            assert!(!format!("{problem:?}").contains("hunter2"), "{problem:?}");
        }
    }
}

/// A misspelt field would otherwise be ignored, and the user would pay for a run with the default.
#[tokio::test]
async fn a_field_that_nobody_knows_is_refused_with_its_name_and_the_known_ones() {
    let server = Server::start().await;
    let run = server.new_run().await;
    let provider = json!({"name": "x", "kind": "custom", "base_url": "https://api.example/v1"});
    let key = json!({"label": "a", "value": "sk-0123456789", "wieght": 2});
    let path = format!("/providers/{}", run["provider_id"].as_str().unwrap());
    let table = [
        (Method::POST, "/providers", &provider, json!({"api_key": "sk-1"}), "`api_key`", "`api_keys`"),
        (Method::POST, "/providers", &provider, json!({"api_keys": [key]}), "`wieght`", "`weight`"),
        (Method::POST, "/providers", &provider, json!({"rate_limit": {"rpn": 1}}), "`rpn`", "`rpm`"),
        (
            Method::POST,
            "/providers",
            &provider,
            json!({"rate_limit": {"models": {"m": {"rpn": 1}}}}),
            "`rpn`",
            "`rpm`",
        ),
        (
            Method::POST,
            "/providers",
            &provider,
            json!({"capabilities": {"image": true}}),
            "`image`",
            "`images`",
        ),
        (Method::PATCH, &path, &json!({}), json!({"ratelimit": {}}), "`ratelimit`", "`rate_limit`"),
        (
            Method::PATCH,
            &path,
            &json!({}),
            json!({"rate_limit": {"concurency": 1}}),
            "`concurency`",
            "`concurrency`",
        ),
        (Method::PATCH, &path, &json!({}), json!({"capabilities": {"image": true}}), "`image`", "`images`"),
        (Method::POST, "/runs", &run, json!({"concurency": 4}), "`concurency`", "`config`"),
    ];
    for (method, path, body, more, unknown, known) in table {
        let mut body = body.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let problem = refused(server.request(method, path).json(&body)).await;
        assert_eq!(problem.status, 400, "{more}: {problem:?}");
        assert!(problem.detail.contains(unknown) && problem.detail.contains(known), "{more}: {problem:?}");
        assert!(!problem.detail.contains("sk-"), "{problem:?}");
    }
}

#[tokio::test]
async fn what_is_absent_or_null_in_a_provider_is_as_it_was() {
    let server = Server::start().await;
    let path = format!("/providers/{}", server.new_run().await["provider_id"].as_str().unwrap());
    let limited = server.patch(&path, &json!({"rate_limit": {"rpm": 5}})).await;

    let patched = server.patch(&path, &json!({"rate_limit": null, "capabilities": null})).await;

    assert_eq!(patched["rate_limit"], limited["rate_limit"]);
}

#[tokio::test]
async fn a_run_without_a_job_at_once_is_refused() {
    let server = Server::start().await;
    let mut body = server.new_run().await;
    body["config"] = json!({"concurrency": 0});

    let problem = refused(server.request(Method::POST, "/runs").json(&body)).await;

    assert_eq!((problem.status, pointers(&problem)), (400, vec!["/config/concurrency"]), "{problem:?}");
}

/// A client sends such an id only if it invents ids instead of repeating one that it received.
#[tokio::test]
async fn an_event_id_above_any_that_can_be_is_followed_by_nothing_but_the_end() {
    let server = Server::start().await;
    let run = server.created(server.request(Method::POST, "/runs").json(&server.new_run().await)).await;
    let path = format!("/runs/{}", run["id"].as_str().unwrap());
    server.request(Method::POST, &format!("{path}/cancel")).send().await.unwrap();
    for id in [u64::MAX, i64::MAX.unsigned_abs()] {
        let request = server.request(Method::GET, &format!("{path}/events")).header("last-event-id", id);
        let events = request.send().await.unwrap().text().await.unwrap();
        let names: Vec<_> = events.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
        assert_eq!(names, ["snapshot", "end"], "{id}: {events}");
    }
}

#[tokio::test]
async fn a_url_and_a_head_of_more_than_their_limits_are_refused() {
    let server = Server::start().await;
    let long = |length| format!("/runs?after={}", "x".repeat(length));

    let problem = refused(server.request(Method::GET, &long(8 * 1024))).await;
    assert_eq!(problem.status, 414, "{problem:?}");
    assert!(problem.detail.contains("at most 8192"), "{problem:?}");
    assert_eq!(refused(server.request(Method::GET, &long(8_000))).await.status, 400, "it is no id");

    let head = server.request(Method::GET, "/runs").header("x-long", "x".repeat(40_000));
    assert_eq!(head.send().await.unwrap().status(), 431);
}
