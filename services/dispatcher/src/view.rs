//! Converts the row of a run to the form that the API returns.

use runmill_proto::api::{Run, RunLatency};
use runmill_store::RunRow;

pub fn run(row: RunRow) -> Run {
    let stats = &row.stats;
    Run {
        counters: row.counters(),
        score: stats.score(row.total),
        usage: stats.usage,
        cost_usd: row.cost_usd(),
        latency: RunLatency {
            p50_ms: stats.latencies.percentile_ms(0.5),
            p99_ms: stats.latencies.percentile_ms(0.99),
        },
        errors: stats.errors.clone(),
        id: row.id,
        name: row.name,
        provider_id: row.provider_id,
        model: row.model,
        dataset_id: row.dataset_id,
        config: row.config,
        priority: row.priority,
        budget: row.budget,
        status: row.status,
        seq: row.seq,
        created_at: row.created_at,
        started_at: row.started_at,
        finished_at: row.finished_at,
        paused_at: row.paused_at,
        pause_reason: row.pause_reason,
        resume_at: row.resume_at,
        cancel_requested_at: row.cancel_requested_at,
        retry_count: row.retry_count,
        retry_reason: row.retry_reason,
        resumed_count: row.resumed_count,
        last_resumed_at: row.last_resumed_at,
    }
}
