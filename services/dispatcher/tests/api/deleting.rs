//! Runs and datasets are deleted for good.

use std::time::Duration;

use reqwest::Method;
use runmill_proto::{Outcome, RunId};
use runmill_store::{ResultFilter, StoreError};
use serde_json::Value;

use crate::{
    resuming::{end_job, new_run},
    server::{Server, refused},
};

async fn delete(server: &Server, path: &str) -> u16 {
    server.request(Method::DELETE, path).send().await.unwrap().status().as_u16()
}

fn ids(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

/// Submits a run and ends both of its jobs. Returns it with its dataset.
async fn ended_run(server: &Server) -> (RunId, String) {
    let body = server.new_run().await;
    let id = new_run(server, &body).await;
    for position in 0..2 {
        end_job(server, id, position, Outcome::Succeeded).await;
    }
    (id, body["dataset_id"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_run_is_deleted_once_it_has_ended_and_then_its_dataset_can_be() {
    let server = Server::start().await;
    let body = server.new_run().await;
    let dataset = format!("/datasets/{}", body["dataset_id"].as_str().unwrap());
    let id = new_run(&server, &body).await;
    let run = format!("/runs/{id}");
    let early = refused(server.request(Method::DELETE, &run)).await;
    assert!(early.status == 409 && early.detail.contains("is pending: cancel it first"), "{early:?}");
    for position in 0..2 {
        end_job(&server, id, position, Outcome::Succeeded).await;
    }
    let used = refused(server.request(Method::DELETE, &dataset)).await;
    assert!(used.status == 409 && used.detail.contains("delete its runs first"), "{used:?}");

    assert_eq!(delete(&server, &run).await, 204);

    for path in ["", "/results", "/invocations", "/events"] {
        assert_eq!(refused(server.request(Method::GET, &format!("{run}{path}"))).await.status, 404, "{path}");
    }
    assert_eq!(delete(&server, &run).await, 404);
    assert_eq!(delete(&server, &dataset).await, 204);
    assert_eq!(refused(server.request(Method::GET, &dataset)).await.status, 404);
}

#[tokio::test]
async fn what_is_old_is_listed() {
    let server = Server::start().await;
    let (old, dataset) = ended_run(&server).await;
    server.clock.advance(Duration::from_mins(1));
    let between = server.clock.now().to_string();
    server
        .patch(&format!("/providers/{}", provider(&server).await), &serde_json::json!({"name": "older"}))
        .await;
    let (young, _) = ended_run(&server).await;

    let listed = server.get(&format!("/runs?ended_before={between}")).await;
    assert_eq!(ids(&listed), [old.to_string()]);
    let all = server.get("/runs?ended_before=2100-01-01T00:00:00Z&limit=1").await;
    assert_eq!((ids(&all), &all["next"]), (vec![&*old.to_string()], &Value::from(old.to_string())));
    let rest = server.get(&format!("/runs?ended_before=2100-01-01T00:00:00Z&after={old}")).await;
    assert_eq!(ids(&rest), [young.to_string()]);

    let path = format!("/datasets?unused_before={between}");
    assert_eq!(ids(&server.get(&path).await), Vec::<&str>::new());
    assert_eq!(delete(&server, &format!("/runs/{old}")).await, 204);
    assert_eq!(ids(&server.get(&path).await), [dataset]);
    let wrong = refused(server.request(Method::GET, "/runs?ended_before=yesterday")).await;
    assert_eq!(wrong.status, 400);
}

async fn provider(server: &Server) -> String {
    server.get("/providers").await["items"][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_leader_deletes_the_rows_of_a_deleted_run() {
    let server = Server::start().await;
    let (id, _) = ended_run(&server).await;
    assert_eq!(delete(&server, &format!("/runs/{id}")).await, 204);
    assert_eq!(server.store.results(id, &ResultFilter::default(), None, 9).await.unwrap().len(), 2);

    server.feed();

    let deleted = async {
        while !server.store.results(id, &ResultFilter::default(), None, 9).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), deleted).await.unwrap();
    assert!(matches!(server.store.run(id).await, Err(StoreError::NotFound { .. })));
}
