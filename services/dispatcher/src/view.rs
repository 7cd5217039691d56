//! A run's row as users see it, and a user's run as a row.

use jiff::Timestamp;
use runmill_proto::{
    RunId, RunStats, RunStatus,
    api::{NewRun, Run, RunLatency, RunProgress},
};
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
        cancel_requested_at: row.cancel_requested_at,
        retry_count: row.retry_count,
        retry_reason: row.retry_reason,
        resumed_count: row.resumed_count,
        last_resumed_at: row.last_resumed_at,
    }
}

pub fn progress(row: &RunRow) -> RunProgress {
    RunProgress {
        run_id: row.id,
        counters: row.counters(),
        score: row.stats.score(row.total),
        usage: row.stats.usage,
        cost_usd: row.cost_usd(),
    }
}

/// A run that nobody has fed yet. Its total, priority and idempotency key are the caller's to set.
pub fn new_run(id: RunId, new: NewRun, created_at: Timestamp) -> RunRow {
    RunRow {
        id,
        name: new.name,
        provider_id: new.provider_id,
        model: new.model,
        dataset_id: new.dataset_id,
        config: new.config,
        priority: 1,
        budget: new.budget,
        idempotency_key: None,
        status: RunStatus::Pending,
        total: 0,
        fed: 0,
        deferred: 0,
        epoch: 0,
        seq: 0,
        stats: RunStats::default(),
        created_at,
        started_at: None,
        finished_at: None,
        paused_at: None,
        pause_reason: None,
        cancel_requested_at: None,
        retry_count: 0,
        retry_after: None,
        retry_requested_at: None,
        retry_reason: None,
        resumed_count: 0,
        last_resumed_at: None,
    }
}
