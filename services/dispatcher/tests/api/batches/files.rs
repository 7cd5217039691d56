use reqwest::Method;
use serde_json::{Value, json};

use super::{form, line};
use crate::server::Server;

fn path(file: &Value, rest: &str) -> String {
    format!("/v1/files/{}{rest}", file["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_file_comes_back_as_it_was_uploaded() {
    let server = Server::start().await;
    let odd = format!("{}\r\nno json at all\n  {}  ", line("ö"), line("b"));
    for text in [odd.clone(), odd + "\n"] {
        let request = form(server.post("/v1/files"), &[("purpose", "batch"), ("file", &text)]);

        let file = server.answer(request).await;

        let want = json!({"id": file["id"], "object": "file", "bytes": text.len(), "created_at": 1_760_000_000,
            "expires_at": null, "filename": "upload.jsonl", "purpose": "batch", "status": "processed",
            "status_details": null});
        assert_eq!(file, want);
        assert_eq!(server.get(&path(&file, "")).await, file);
        assert_eq!(server.text(&path(&file, "/content")).await, text);
    }
}

#[tokio::test]
async fn files_are_listed_newest_first_until_they_are_deleted() {
    let server = Server::start().await;
    let mut ids = Vec::new();
    for id in ["a", "b", "c"] {
        ids.insert(0, server.upload(&[line(id)]).await);
    }
    let listed = async |query: &str| {
        let list = server.get(&format!("/v1/files{query}")).await;
        assert_eq!(list["object"], "list");
        let ids = list["data"].as_array().unwrap().iter().map(|file| file["id"].clone()).collect::<Vec<_>>();
        (ids, list["has_more"].as_bool().unwrap())
    };

    assert_eq!(listed("").await, (ids.clone(), false));
    assert_eq!(listed("?purpose=batch&limit=2").await, (ids[..2].to_vec(), true));
    let rest = format!("?limit=2&after={}", ids[1].as_str().unwrap());
    assert_eq!(listed(&rest).await, (ids[2..].to_vec(), false));
    assert_eq!(listed("?purpose=fine-tune").await, (Vec::new(), false));

    let file = format!("/v1/files/{}", ids[1].as_str().unwrap());
    let deleted = server.answer(server.request(Method::DELETE, &file)).await;
    assert_eq!(deleted, json!({"id": ids[1], "object": "file", "deleted": true}));
    assert_eq!(listed("").await, (vec![ids[0].clone(), ids[2].clone()], false));
    for (method, rest) in [(Method::GET, ""), (Method::GET, "/content"), (Method::DELETE, "")] {
        server.refusal(404, server.request(method, &format!("{file}{rest}"))).await;
    }
    assert_eq!(server.get("/datasets").await["items"].as_array().unwrap().len(), 2, "nothing needs it");
}

#[tokio::test]
async fn the_fields_of_a_form_have_any_order() {
    let server = Server::start().await;
    let text = line("a");
    let fields = [("file", text.as_str()), ("expires_after[seconds]", "3600"), ("purpose", "batch")];
    let file = server.answer(form(server.post("/v1/files"), &fields)).await;
    assert_eq!(server.text(&path(&file, "/content")).await, text);
}

#[tokio::test]
async fn a_form_without_a_right_file_stores_nothing() {
    let server = Server::start().await;
    let line = line("a");
    let long = "x".repeat(70 * 1024);
    let name = "x".repeat(2000);
    let table: [(&[(&str, &str)], &str); 8] = [
        (&[("file", &line)], "purpose"),
        (&[("file", &line), ("purpose", "fine-tune")], "batch"),
        (&[("purpose", "batch")], "no field `file`"),
        (&[("purpose", "batch"), ("file", "")], "no lines"),
        (&[("purpose", "batch"), ("file", "\n \n")], "no lines"),
        (&[("purpose", "batch"), ("file", &long)], "line 1: longer than 65536 bytes"),
        (&[("file", &line), ("purpose", &name)], "longer than 1024 bytes"),
        (&[], "no field `purpose`"),
    ];
    for (fields, want) in table {
        let error = server.refusal(400, form(server.post("/v1/files"), fields)).await;
        assert!(error["message"].as_str().unwrap().contains(want), "{want}: {error}");
    }
    let error = server.refusal(400, server.post("/v1/files").body(line)).await;
    assert!(error["message"].as_str().unwrap().contains("multipart/form-data"), "{error}");
    assert_eq!(server.get("/v1/files").await["data"], json!([]));
    assert_eq!(server.get("/datasets").await["items"], json!([]));
}

#[tokio::test]
async fn a_file_of_many_lines_is_stored_whole() {
    const LINES: usize = 100_000;
    let server = Server::start().await;
    let lines: Vec<_> = (0..LINES).map(|n| line(&format!("q{n}"))).collect();

    let file = server.upload(&lines).await;

    let dataset = &server.get("/datasets").await["items"][0];
    assert_eq!(dataset["item_count"], LINES);
    let content = server.text(&format!("/v1/files/{}/content", file.as_str().unwrap())).await;
    assert!(content.lines().eq(lines.iter().map(String::as_str)));
}
