//! Runs whose first calls all fail.

use std::time::Duration;

use runmill_proto::{Outcome, RunId, message::Control};
use serde_json::{Value, json};

use crate::{
    resuming::{end_job, new_run, next_announced, run},
    server::Server,
};

const TRIAL_CALLS: u64 = 3;

/// Returns a run of 20 jobs of which as many as its trial allows were fed.
async fn run_on_trial(server: &Server) -> RunId {
    let mut body = server.new_run().await;
    body["config"] = json!({"samples": 10, "retry": {"trial_calls": TRIAL_CALLS}});
    let id = new_run(server, &body).await;
    server.feed();
    until_fed(server, id, TRIAL_CALLS).await;
    id
}

async fn until_fed(server: &Server, id: RunId, jobs: u64) {
    let fed = async {
        while fed(server, id).await < jobs {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), fed).await.unwrap();
}

async fn fed(server: &Server, id: RunId) -> u64 {
    server.store.run(id).await.unwrap().cursor.fed
}

fn paused(control: &Control) -> Option<RunId> {
    if let Control::RunPaused { run_id } = control { Some(*run_id) } else { None }
}

#[tokio::test]
async fn a_run_whose_first_calls_fail_alike_is_fed_no_further_and_pauses() {
    let server = Server::start().await;
    let mut listener = server.broker.listen().await.unwrap();
    let id = run_on_trial(&server).await;

    for position in 0..3 {
        end_job(&server, id, position, Outcome::Failed).await;
    }

    assert_eq!(next_announced(&mut *listener, paused).await, id);
    let shown = run(&server, id).await;
    assert_eq!(shown["pause_reason"], "the first 3 items all failed alike: server_error");
    assert_eq!((&shown["resume_at"], &shown["counters"]["fed"]), (&Value::Null, &json!(TRIAL_CALLS)));
    assert_eq!(shown["messages"], json!([{"kind": "server_error", "text": "server_error", "jobs": 3}]));

    let path = format!("/runs/{id}/resume");
    assert!(server.request(reqwest::Method::POST, &path).send().await.unwrap().status().is_success());
    let again = run(&server, id).await;
    assert_eq!((&again["paused_at"], &again["counters"]["failed"]), (&Value::Null, &json!(0)));
    // Two of the three calls that it makes now are those of other jobs.
    until_fed(&server, id, TRIAL_CALLS + 2).await;
}

#[tokio::test]
async fn the_first_answer_ends_the_trial() {
    let server = Server::start().await;
    let id = run_on_trial(&server).await;
    for position in 0..2 {
        end_job(&server, id, position, Outcome::Failed).await;
    }
    assert_eq!(fed(&server, id).await, TRIAL_CALLS);

    end_job(&server, id, 2, Outcome::Truncated).await;

    until_fed(&server, id, TRIAL_CALLS + 8).await;
}
