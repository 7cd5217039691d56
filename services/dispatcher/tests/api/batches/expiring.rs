use std::time::Duration;

use runmill_proto::Outcome;
use serde_json::{Value, json};

use super::{answered, ended};
use crate::server::Server;

/// Asks until the batch has one of the statuses.
async fn wait_for(server: &Server, batch: &Value, status: &str) -> Value {
    for _ in 0..1_000 {
        let seen = server.batch_again(batch).await;
        if seen["status"] == status {
            return seen;
        }
        tokio::task::yield_now().await;
    }
    panic!("the batch does not become {status}");
}

#[tokio::test]
async fn a_batch_whose_window_is_over_expires_with_what_it_has() {
    let server = Server::start().await;
    let batch = server.batch(&["q1", "q2", "q3"]).await;
    let run = server.all_fed(&batch).await;
    server.settle([answered(run, 0, "2")]).await;
    server.feed();
    server.clock.advance(Duration::from_hours(23));
    assert_eq!(server.batch_again(&batch).await["status"], "in_progress");

    server.clock.advance(Duration::from_hours(1));

    wait_for(&server, &batch, "finalizing").await;
    // One call was in flight, and finishes.
    server.settle([answered(run, 1, "3"), ended(run, 2, Outcome::Canceled)]).await;
    let done = wait_for(&server, &batch, "expired").await;
    assert_eq!(done["request_counts"], json!({"total": 3, "completed": 2, "failed": 1}));
    assert!(
        done["expired_at"].is_number() && done["cancelled_at"].is_null() && done["cancelling_at"].is_null()
    );
    assert_eq!(server.lines(&done["output_file_id"]).await.len(), 2);
    let errors = server.lines(&done["error_file_id"]).await;
    let [error] = errors.as_slice() else { panic!("{errors:?}") };
    assert_eq!((&error["custom_id"], &error["error"]), (&json!("q3"), &Value::Null));
    assert_eq!(error["response"]["body"]["error"]["code"], "batch_expired");
    assert_ne!(error["response"]["status_code"], 200);
}

#[tokio::test]
async fn a_batch_that_a_client_has_canceled_does_not_expire() {
    let server = Server::start().await;
    let batch = server.batch(&["q1"]).await;
    let run = server.all_fed(&batch).await;
    let cancel = format!("/v1/batches/{}/cancel", batch["id"].as_str().unwrap());
    server.answer(server.post(&cancel)).await;
    server.clock.advance(Duration::from_hours(25));
    server.feed();
    server.settle([ended(run, 0, Outcome::Canceled)]).await;
    wait_for(&server, &batch, "cancelled").await;
}
