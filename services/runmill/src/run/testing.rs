use runmill_proto::{
    Usage,
    api::{Run, RunCounters, RunLatency},
};
use serde_json::json;

/// Returns a run that has ended, without jobs.
pub fn run() -> Run {
    let nil = "00000000000000000000000000000000";
    serde_json::from_value(json!({
        "id": format!("run_{nil}"), "name": null, "provider_id": format!("prov_{nil}"), "model": "x",
        "dataset_id": format!("data_{nil}"), "config": {}, "priority": 1, "budget": null, "status": "completed",
        "counters": RunCounters::default(), "errors": {},
        "score": {"mean": null, "stderr": null, "scored": 0, "total": 0, "coverage": 0.0},
        "usage": Usage::default(), "cost_usd": null, "latency": RunLatency::default(), "seq": 0,
        "created_at": "2026-01-01T00:00:00Z", "started_at": null, "finished_at": null, "paused_at": null,
        "pause_reason": null, "cancel_requested_at": null, "retry_count": 0, "retry_reason": null,
        "resumed_count": 0, "last_resumed_at": null,
    }))
    .expect("all required fields are there")
}
