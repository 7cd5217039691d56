//! Converts the row of a run to the form that the API returns.

use runmill_proto::api::{Run, RunLatency};
use runmill_store::RunRow;

pub fn run(row: RunRow) -> Run {
    let stats = &row.stats;
    Run {
        counters: row.counters(),
        budget_left: row.budget_left(),
        score: stats.scores.summary(row.total),
        usage: stats.usage,
        cost_usd: row.cost_usd(),
        latency: RunLatency {
            p50_ms: stats.latencies.percentile_ms(0.5),
            p99_ms: stats.latencies.percentile_ms(0.99),
        },
        errors: stats.errors.clone(),
        messages: stats.messages.by_frequency(),
        fixes: stats.fixes.clone(),
        notes: stats.notes.clone(),
        answered_by: stats.answered_by.clone(),
        unscored: stats.unscored.clone(),
        id: row.id,
        status: row.status,
        seq: row.seq,
        created_at: row.created_at,
        started_at: row.started_at,
        finished_at: row.finished_at,
        paused_at: row.paused_at(),
        pause_reason: row.pause_reason().map(str::to_owned),
        resume_at: row.resume_at(),
        cancel_requested_at: row.cancel_requested_at,
        cancel_graceful: row.cancel_graceful,
        retry_count: row.retry.count,
        retry_reason: row.retry.reason,
        retry_after: row.retry.after,
        held_back: Vec::new(),
        resumed_count: row.resumption.count,
        last_resumed_at: row.resumption.last_at,
        tenant: row.submission.tenant,
        name: row.submission.name,
        provider_id: row.submission.provider_id,
        model: row.submission.model,
        dataset_id: row.submission.dataset_id,
        config: row.submission.config,
        priority: row.submission.priority,
        budget: row.submission.budget,
    }
}
