use runmill_proto::api::{EndedRun, WebhookEvent};
use runmill_store::RunRow;

/// Returns the body of the request that tells the end of a run, or `None` if it has not ended.
pub fn of(run: &RunRow) -> Option<Vec<u8>> {
    let finished_at = run.finished_at?;
    let event = WebhookEvent {
        kind: WebhookEvent::RUN_ENDED.to_owned(),
        timestamp: finished_at,
        data: EndedRun {
            id: run.id,
            name: run.submission.name.clone(),
            status: run.status,
            counters: run.counters(),
            score: run.score(),
            usage: run.stats.usage,
            cost_usd: run.cost_usd(),
            finished_at,
        },
    };
    Some(serde_json::to_vec(&event).expect("numbers and texts become JSON"))
}
