//! Answers that models judge, while judges fail and executors die.

use std::collections::HashMap;

use runmill_proto::{ProviderId, RunStatus};
use serde_json::{Value, json};

use crate::support::{Cluster, until};

const ITEMS: u32 = 2_000;
/// Of so many items one has a judge who says nothing clear.
const UNCLEAR_EVERY: u32 = 20;
/// Number of calls in flight.
const CONCURRENCY: u32 = 40;
/// Maximum number of jobs that an executor loses when it dies: its calls in flight, and the few more that it prefetches while
/// records wait for their confirm.
const UNACKED_MAX: u64 = CONCURRENCY as u64 + 4;

/// Returns items whose judge is told what to say.
fn items() -> String {
    let item = |n: u32| {
        let verdict = match n % UNCLEAR_EVERY {
            0 => "perhaps",
            n if n % 2 == 0 => "1",
            _ => "0",
        };
        let text = format!("What is number {n}?");
        format!(
            "{}\n",
            json!({"id": format!("q{n}"), "type": "freeform", "inputs": {"text": text}, "meta": {"verdict": verdict}})
        )
    };
    (0..ITEMS).map(item).collect()
}

fn config(provider_id: ProviderId, model: &str) -> Value {
    let prompt = "{{ response }}\nVerdict: {{ meta.verdict }}";
    json!({
        "judge": {"provider_id": provider_id, "model": model, "prompt": prompt},
        "retry": {"max_retries": 8},
        "request": {"first_token_timeout_seconds": 2.0},
    })
}

#[tokio::test]
async fn every_answer_is_judged_once_though_judges_fail_and_an_executor_dies() {
    let cluster = Cluster::start(2, 1).await;
    let api = &cluster.api;
    let provider = api.provider(&cluster.gateway.base_url(), CONCURRENCY).await;
    let dataset = api.dataset(items()).await;
    let judge = "echo+fail=429:0.05+fail=500:0.05+hang:0.002";
    let run = api.start_run_with(provider, "lorem", dataset, config(provider, judge)).await;
    let judged = async || api.run(run).await.judges[0].settled;
    until("verdicts", async || judged().await >= u64::from(ITEMS) / 4).await;
    cluster.executors[0].signal("KILL");

    let ended = api.ended(run).await;

    assert_eq!(ended.status, RunStatus::Completed);
    let (judge, all) = (&ended.judges[0], u64::from(ITEMS));
    assert_eq!((ended.counters.succeeded, judge.settled, judge.failed), (all, all, 0));
    assert_eq!(api.results(run).await.len(), ITEMS as usize, "every item keeps its answer");
    let unclear = u64::from(ITEMS / UNCLEAR_EVERY);
    assert_eq!((judge.score.unscored, judge.score.scored), (unclear, all - unclear));
    // Of the others, those with an even number are right: every tenth pair has lost its even one.
    let right = all / 2 - unclear;
    let mean = judge.score.mean.unwrap();
    let share = |part: u64| f64::from(u32::try_from(part).unwrap());
    assert!((mean - share(right) / share(all - unclear)).abs() < 1e-9, "{mean}");
    assert!((judge.score.coverage - 0.95).abs() < 1e-9);

    // A verdict is asked for again only if the one before failed, or the executor that died had it in hand.
    let calls = cluster.gateway.calls(0, usize::MAX);
    let mut verdicts: HashMap<String, u64> = HashMap::new();
    for call in calls.iter().filter(|call| call.status == 200 && call.model.starts_with("echo")) {
        let id = call.client_request_id.clone().unwrap();
        let job: Vec<_> = id.split(':').take(3).collect();
        *verdicts.entry(job.join(":")).or_default() += 1;
    }
    let again: u64 = verdicts.values().map(|count| count - 1).sum();
    assert!(again <= UNACKED_MAX, "{again} verdicts were given twice");
}
