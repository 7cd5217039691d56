//! `GET /scaling`: how many executors the fleet can use.

use std::time::Duration;

use reqwest::Method;
use runmill_config::Role;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::server::{Server, line};

/// Less than the time after which a test without an answer fails.
const SOON: Duration = Duration::from_secs(30);
/// More than the time for which a need holds.
const LONG: Duration = Duration::from_secs(150);

/// Returns the numbers as soon as they are so. They may be a second old.
async fn scaling(server: &Server, is_so: impl Fn(&Value) -> bool) -> Value {
    let asking = async {
        loop {
            let scaling = server.get("/scaling").await;
            if is_so(&scaling) {
                return scaling;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, asking).await.expect("the numbers become so")
}

/// Starts a run of nine items, of which the provider takes five at once.
async fn begin(server: &Server) -> Value {
    let provider = json!({"name": "five", "kind": "custom", "base_url": "http://127.0.0.1:9/v1",
        "rate_limit": {"concurrency": 5}});
    let provider = server.created(server.request(Method::POST, "/providers").json(&provider)).await;
    let lines: String = (0..9).map(|n| line(&n.to_string()) + "\n").collect();
    let dataset = server.created(server.request(Method::POST, "/datasets?name=nine").body(lines)).await;
    let run = json!({"provider_id": provider["id"], "model": "m", "dataset_id": dataset["id"]});
    server.created(server.request(Method::POST, "/runs").json(&run)).await
}

#[tokio::test]
async fn the_number_follows_the_work_up_at_once_and_down_later() {
    let server = Server::start().await;
    let idle = server.get("/scaling").await;
    assert_eq!((&idle["executors_wanted"], &idle["lanes"]), (&json!(0), &json!([])), "{idle}");

    let run = begin(&server).await;
    let busy = scaling(&server, |it| it["executors_wanted"] != 0).await;
    let lane = json!({"provider_id": run["provider_id"], "provider": "five", "wanted_in_flight": 5, "waiting": 9,
        "in_flight": 0, "limit_in_flight": 5, "limited_by": "concurrency", "executors_needed": 3, "cooldown_until": null});
    let want = json!({"executors_wanted": 3, "executors_needed": 3, "executors": 0, "draining": 0, "executor_calls": 2,
        "wanted_in_flight": 5, "requests": 0, "lanes": [lane]});
    assert_eq!(busy, want, "five calls in flight, two for each executor");
    let metrics = server.request(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("\nrunmill_executors_wanted 3\n"), "{metrics}");

    let cancel = format!("/runs/{}/cancel", run["id"].as_str().unwrap());
    server.request(Method::POST, &cancel).send().await.unwrap().error_for_status().unwrap();
    let done = scaling(&server, |it| it["executors_needed"] == 0).await;
    assert_eq!((&done["executors_wanted"], &done["lanes"]), (&json!(3), &json!([])), "{done}");

    server.clock.advance(LONG);
    scaling(&server, |it| it["executors_wanted"] == 0).await;
}

#[tokio::test]
async fn a_paused_run_needs_no_executor() {
    let server = Server::start().await;
    let run = begin(&server).await;
    scaling(&server, |it| it["executors_needed"] == 3).await;

    for (action, needed) in [("pause", 0), ("resume", 3)] {
        let path = format!("/runs/{}/{action}", run["id"].as_str().unwrap());
        server
            .request(Method::POST, &path)
            .json(&json!({}))
            .send()
            .await
            .unwrap()
            .error_for_status()
            .unwrap();
        scaling(&server, |it| it["executors_needed"] == needed).await;
    }
}

#[tokio::test]
async fn a_run_needs_no_more_than_its_own_concurrency() {
    let server = Server::start().await;
    let run = begin(&server).await;
    let path = format!("/runs/{}", run["id"].as_str().unwrap());
    server.patch(&path, &json!({"concurrency": 1})).await;

    let limited = scaling(&server, |it| it["executors_needed"] == 1).await;
    assert_eq!(limited["lanes"][0]["waiting"], 1, "{limited}");
}

#[tokio::test]
async fn a_tenant_sees_the_sums_and_its_own_lanes() {
    let server = Server::start().await;
    begin(&server).await;
    scaling(&server, |it| it["executors_needed"] == 3).await;

    let own = server.request_as(Role::Observe, Method::GET, "/scaling").send().await.unwrap();
    let own: Value = own.json().await.unwrap();
    assert_eq!(own["lanes"].as_array().unwrap().len(), 1, "{own}");
    let stranger = server.token(json!({"role": "observe", "tenant": "strangers"})).await;
    let seen = server.get_with(&stranger, "/scaling").await;
    assert_eq!((&seen["executors_wanted"], &seen["lanes"]), (&json!(3), &json!([])), "{seen}");
}
