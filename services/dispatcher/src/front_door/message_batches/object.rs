//! A batch of messages as Anthropic's clients read it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::PREFIX;
use crate::front_door::{
    batches::{OpenBatch, Phase},
    ids,
};

/// Returns the object of a batch. `base` is the URL of the front door as the client reaches it.
pub fn object(batch: &OpenBatch, base: &str) -> Value {
    let (row, phase, counts) = (&batch.row, batch.phase(), batch.counts());
    let id = ids::batch(PREFIX, row.id);
    let time = |time: Timestamp| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let is_over = phase.is_over();
    // At the end, the counts are the lines of the results.
    let never_made = if is_over { counts.open() + counts.canceled } else { counts.canceled };
    let has_expired = phase == Phase::Expired;
    let run = batch.run.as_ref();
    let canceled_at = run.and_then(|run| run.cancel_requested_at).filter(|_| row.expired_at.is_none());
    json!({
        "results_url": is_over.then(|| format!("{base}/messages/batches/{id}/results")),
        "id": id,
        "type": "message_batch",
        "processing_status": status(phase),
        "request_counts": {
            "processing": if is_over { 0 } else { counts.open() },
            "succeeded": counts.answered,
            "errored": counts.failed,
            "canceled": if has_expired { 0 } else { never_made },
            "expired": if has_expired { never_made } else { 0 },
        },
        "created_at": time(row.created_at),
        "expires_at": time(row.expires_at),
        "ended_at": batch.ended_at().filter(|_| is_over).map(time),
        "cancel_initiated_at": canceled_at.map(time),
        "archived_at": null,
        "runmill": run.map(|run| json!({
            "run_id": run.id,
            "paused_at": run.paused_at(),
            "pause_reason": run.pause_reason(),
            "resume_at": run.resume_at(),
        })),
    })
}

const fn status(phase: Phase) -> &'static str {
    match phase {
        Phase::InProgress => "in_progress",
        Phase::Expiring | Phase::Canceling => "canceling",
        Phase::Refused | Phase::Completed | Phase::Expired | Phase::Canceled => "ended",
    }
}
