use runmill_proto::api::Run;
use serde_json::json;

/// Returns a run of ten jobs that has just begun.
pub fn run() -> Run {
    let nil = "00000000000000000000000000000000";
    serde_json::from_value(json!({
        "id": format!("run_{nil}"), "name": null, "provider_id": format!("prov_{nil}"), "model": "x",
        "dataset_id": format!("data_{nil}"), "config": {}, "priority": 1, "budget": null, "status": "running",
        "counters": {"total": 10, "fed": 0, "settled": 0, "deferred": 0, "succeeded": 0, "refused": 0, "truncated": 0,
            "failed": 0, "canceled": 0, "budget_stopped": 0, "calls": 0, "retries": 0, "duplicates": 0},
        "errors": {}, "score": {"mean": null, "stderr": null, "scored": 0, "total": 10, "coverage": 0.0},
        "usage": {}, "cost_usd": null, "latency": {"p50_ms": null, "p99_ms": null}, "seq": 0,
        "created_at": "2026-01-01T00:00:00Z", "started_at": "2026-01-01T00:00:00Z", "finished_at": null,
        "paused_at": null, "pause_reason": null, "cancel_requested_at": null, "retry_count": 0, "retry_reason": null,
        "resumed_count": 0, "last_resumed_at": null,
    }))
    .expect("all required fields are there")
}
