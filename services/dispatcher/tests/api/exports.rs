//! Files of results: in each format, of the results that are asked for, and for those alone who may see them.

use reqwest::{Method, Response};
use runmill_proto::api::ExportFormat;
use serde_json::json;

use super::{results::World, server::refused};

async fn export(world: &World, query: &str) -> Response {
    let path = format!("/runs/{}/export?{query}", world.run_id);
    world.server.request(Method::GET, &path).send().await.unwrap().error_for_status().unwrap()
}

fn header(response: &Response, name: &str) -> String {
    response.headers()[name].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn each_format_is_a_file_with_a_name_and_a_type() {
    let world = World::new(json!({})).await;
    for format in ExportFormat::ALL {
        let response = export(&world, &format!("format={format}")).await;
        assert_eq!(header(&response, "content-type"), format.media_type());
        let name = header(&response, "content-disposition");
        assert!(name.starts_with("attachment; filename=\""), "{name}");
        assert!(name.ends_with(&format!("{}\"", format.suffix())), "{name}");
        let bytes = response.bytes().await.unwrap();
        let begins: &[u8] = match format {
            ExportFormat::Jsonl => b"{\"ordinal\":0,",
            ExportFormat::Csv => b"item_id,sample,",
            ExportFormat::Parquet => b"PAR1",
            ExportFormat::Junit => b"<?xml",
            ExportFormat::Eval | ExportFormat::Eval752 => b"PK\x03\x04",
            ExportFormat::Html => b"<!DOCTYPE html>",
            ExportFormat::Batch => b"{\"id\":\"batch_req_",
        };
        assert!(bytes.starts_with(begins), "{format}: {:?}", &bytes[..20]);
    }
}

#[tokio::test]
async fn lines_are_those_of_the_list_of_results() {
    let world = World::new(json!({"system_prompt": "Be brief."})).await;
    for query in ["", "score=wrong", "outcome=failed", "item_id=q0"] {
        let request = world.server.request(Method::GET, &world.path(&format!("{query}&details=true")));
        let listed = request.header("accept", "application/x-ndjson").send().await.unwrap();
        let listed = listed.error_for_status().unwrap().text().await.unwrap();
        let exported = export(&world, query).await.text().await.unwrap();
        assert_eq!(exported, listed, "{query}");
        assert_eq!(exported.lines().count(), if query.is_empty() { 3 } else { 1 });
    }
}

#[tokio::test]
async fn an_export_that_is_not_understood_is_refused() {
    let world = World::new(json!({})).await;
    for (query, want) in [
        (
            "format=xlsx",
            "format: `xlsx` is not one of jsonl, csv, parquet, junit, eval, html, batch, eval752",
        ),
        ("score=bad", "score: `bad` is not one of right, wrong, unscored"),
        ("details=maybe", "details: `maybe` is not one of true, false"),
        ("limit=3", "the query parameter `limit` is not known here"),
    ] {
        let path = format!("/runs/{}/export?{query}", world.run_id);
        let problem = refused(world.server.request(Method::GET, &path)).await;
        assert_eq!(problem.status, 400);
        assert!(problem.detail.starts_with(want), "{}", problem.detail);
    }
}
