//! Converts the rows of a run and of its webhook to the forms that the API returns.

use runmill_address::WebhookUrl;
use runmill_proto::api::{Run, RunLatency, ScoreVersion, ScoringProgress, Webhook};
use runmill_store::{Rescore, Rescoring, RunRow, RunStats, WebhookRow};

pub fn run(row: RunRow) -> Run {
    let stats = &row.stats;
    Run {
        counters: row.counters(),
        budget_left: row.budget_left(),
        judges: row.judges.iter().map(|note| note.progress.clone()).collect(),
        lighteval: row.lighteval.clone(),
        score: row.score(),
        score_version: row.shown().map_or(0, |shown| shown.version),
        score_versions: score_versions(&row),
        rescoring: row.rescoring.as_ref().map(|rescoring| progress(rescoring, stats)),
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
        unscored: row.shown().map_or(&stats.unscored, |shown| &shown.unscored).clone(),
        id: row.id,
        kind: row.submission.kind,
        status: row.status,
        paused: row.paused_at().is_some() && !row.status.is_terminal(),
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
        webhook: None,
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

fn score_versions(row: &RunRow) -> Vec<ScoreVersion> {
    let versions = row.rescores.iter().flat_map(|rescores| &rescores.versions);
    let view = |one: &Rescore| ScoreVersion {
        version: one.version,
        scoring: one.scoring.clone(),
        made_at: one.made_at,
        score: row.summary(&one.scores),
        further: one.is_further,
    };
    versions.map(view).collect()
}

fn progress(rescoring: &Rescoring, stats: &RunStats) -> ScoringProgress {
    ScoringProgress {
        version: rescoring.version,
        scoring: rescoring.scoring.clone(),
        done: rescoring.done,
        total: stats.answers(),
    }
}

pub fn webhook(row: WebhookRow) -> Webhook {
    Webhook {
        url: WebhookUrl::parse(&row.url).map(|url| url.shown()).unwrap_or_default(),
        attempts: row.attempts,
        delivered_at: row.delivered_at,
        abandoned_at: row.abandoned_at,
        last_error: row.last_error,
    }
}
