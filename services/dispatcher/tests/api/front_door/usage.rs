use reqwest::Method;
use runmill_proto::{
    InvocationId, Outcome, Usage,
    message::{Attempt, Call, ClientNote, Invocation, JobKey},
    testing,
};
use runmill_store::{LogBatch, LogEntry};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{World, executor::Executor};
use crate::server::refused;

/// Records a call of the run, with a cost.
async fn record(world: &World, run_id: runmill_proto::RunId, model: &str) {
    let call = Call {
        provider_id: world.provider,
        model: model.into(),
        usage: Some(Usage { prompt_tokens: 10, completion_tokens: 2, ..Usage::default() }),
        cost_nanousd: Some(5_000_000_000),
        attempts: vec![Attempt { cost_nanousd: Some(5_000_000_000), ..testing::attempt() }],
        started_at: world.server.clock.now(),
        ..testing::call(InvocationId::from_uuid(Uuid::now_v7()))
    };
    let key = JobKey { run_id, ordinal: 0, sample: 0 };
    let call = testing::invocation(key, call, Outcome::Succeeded);
    let call =
        Invocation { client: Some(ClientNote { token_id: None, ignored: vec!["seed".into()] }), ..call };
    let batch = LogBatch(vec![LogEntry::Invocation(Box::new(call))]);
    world.server.store.write_logs(&batch, world.server.clock.now()).await.unwrap();
}

#[tokio::test]
async fn the_use_of_a_day_is_told_to_its_tenant() {
    let world = World::new().await;
    let mut executor = Executor::start(&world, "a").await;
    let asking = tokio::spawn(world.chat(&json!({})).send());
    let taken = executor.take().await;
    let run = taken.call.run_id;
    taken.answer("four").await;
    asking.await.unwrap().unwrap();
    for model in ["m", "m", "n~"] {
        record(&world, run, model).await;
    }

    let first = world.server.get("/usage?limit=1").await;
    let sum = &first["items"][0];
    assert_eq!(
        (&sum["day"], &sum["tenant"], &sum["token_id"]),
        (&json!("2025-10-09"), &json!("default"), &Value::Null)
    );
    assert_eq!((&sum["model"], &sum["calls"], &sum["prompt_tokens"]), (&json!("m"), &json!(2), &json!(20)));
    assert_eq!((&sum["cost_usd"], &sum["unpriced"]), (&json!(10.0), &json!(0)));
    let next = world
        .server
        .request(Method::GET, "/usage")
        .query(&[("limit", "1"), ("after", first["next"].as_str().unwrap())]);
    let next: Value = next.send().await.unwrap().json().await.unwrap();
    assert_eq!(next["items"][0]["model"], "n~");
    assert_eq!(world.server.get("/usage?to=2025-10-08").await["items"], json!([]));

    let invocations = world.server.get(&format!("/runs/{run}/invocations")).await;
    assert_eq!(invocations["items"][0]["client"], json!({"ignored": ["seed"]}));
    let stranger = json!({"name": "s", "role": "observe", "tenant": "strangers"});
    let stranger = world.server.created(world.server.request(Method::POST, "/tokens").json(&stranger)).await;
    let seen =
        world.server.anonymous(Method::GET, "/usage").bearer_auth(stranger["secret"].as_str().unwrap());
    assert_eq!(seen.send().await.unwrap().json::<Value>().await.unwrap()["items"], json!([]));
    let problem = refused(world.server.request(Method::GET, "/usage?from=yesterday")).await;
    assert!(problem.status == 400 && problem.detail.contains("2026-11-30"), "{problem:?}");
}

#[tokio::test]
async fn a_run_of_clients_calls_ends_an_hour_after_its_day() {
    let world = World::new().await;
    let mut executor = Executor::start(&world, "a").await;
    let asking = tokio::spawn(world.chat(&json!({})).send());
    let taken = executor.take().await;
    let run = taken.call.run_id;
    taken.answer("four").await;
    asking.await.unwrap().unwrap();
    world.server.feed();
    // It is 2025-10-09T08:53:20Z, and the day ends after 15 h and 6 min 40 s.
    world.server.clock.advance(std::time::Duration::from_secs(15 * 3600 + 400 + 3599));
    let mut events = world.server.request(Method::GET, &format!("/runs/{run}/events")).send().await.unwrap();
    assert_eq!(world.server.store.run(run).await.unwrap().finished_at, None);

    world.server.clock.advance(std::time::Duration::from_secs(1));

    let mut text = String::new();
    while let Some(part) = events.chunk().await.unwrap() {
        text += std::str::from_utf8(&part).unwrap();
    }
    assert!(text.contains("\"completed\""), "the stream ends with the run: {text}");
}
