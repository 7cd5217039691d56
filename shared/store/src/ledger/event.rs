//! Makes the events of a run.

use runmill_proto::{
    api::{RunEvent, RunItem, RunLog, RunStatusEvent},
    message::{Attempt, Call, Deferred, Invocation, JobKey},
    usd,
};

use crate::RunRow;

pub fn status(row: &RunRow) -> RunEvent {
    RunEvent::RunStatus(RunStatusEvent {
        run_id: row.id,
        status: row.status,
        started_at: row.started_at,
        finished_at: row.finished_at,
        retry_count: row.retry.count,
        retry_after: row.retry.after,
        retry_requested_at: row.retry.requested_at,
        retry_reason: row.retry.reason.clone(),
        resumed_count: row.resumption.count,
        last_resumed_at: row.resumption.last_at,
        cancel_requested_at: row.cancel_requested_at,
        paused_at: row.paused_at(),
        pause_reason: row.pause_reason().map(str::to_owned),
        resume_at: row.resume_at(),
    })
}

pub fn progress(row: &RunRow) -> RunEvent {
    RunEvent::RunProgress(row.progress())
}

/// Makes the event of a job that got its result.
pub fn item(invocation: &Invocation) -> RunEvent {
    RunEvent::RunItem(RunItem {
        run_id: invocation.run_id,
        ordinal: invocation.ordinal,
        sample: invocation.sample,
        item_id: invocation.item_id.clone(),
        question: invocation.question.clone(),
        answer: invocation.response.as_deref().map(Invocation::preview),
        outcome: invocation.outcome,
        error_kind: invocation.error_kind,
        score: invocation.score.clone(),
    })
}

/// Makes an event of each failed attempt of a call.
pub fn failed_attempts(key: JobKey, call: &Call) -> impl Iterator<Item = RunEvent> {
    let failed = |(_, attempt): &(usize, &Attempt)| attempt.error_kind.is_some();
    call.attempts.iter().enumerate().filter(failed).map(move |(before, attempt)| {
        RunEvent::RunLog(RunLog {
            error_kind: attempt.error_kind,
            error: attempt.error.clone(),
            retry_count: before as u64,
            latency_ms: attempt.latency_ms,
            ttft_ms: None,
            usage: attempt.usage,
            cost_usd: attempt.cost_nanousd.map(usd),
            ..call_log(key, call)
        })
    })
}

pub fn invocation(invocation: &Invocation) -> RunEvent {
    RunEvent::RunLog(RunLog {
        outcome: Some(invocation.outcome),
        error_kind: invocation.error_kind,
        error: invocation.error.clone(),
        ..call_log(invocation.key(), &invocation.call)
    })
}

pub fn deferral(deferred: &Deferred) -> RunEvent {
    RunEvent::RunLog(RunLog {
        error_kind: deferred.call.attempts.last().and_then(|attempt| attempt.error_kind),
        error: Some(deferred.reason.clone()),
        ..call_log(deferred.key(), &deferred.call)
    })
}

/// Makes the event of a line of LightEval's log.
pub fn line(row: &RunRow, line: &str) -> RunEvent {
    RunEvent::RunLog(RunLog {
        run_id: row.id,
        ordinal: 0,
        sample: 0,
        provider_id: row.submission.provider_id,
        model: row.submission.model.clone(),
        outcome: None,
        error_kind: None,
        error: None,
        retry_count: 0,
        latency_ms: 0,
        ttft_ms: None,
        streamed: false,
        usage: None,
        cost_usd: None,
        line: Some(line.to_owned()),
    })
}

fn call_log(key: JobKey, call: &Call) -> RunLog {
    RunLog {
        run_id: key.run_id,
        ordinal: key.ordinal,
        sample: key.sample,
        provider_id: call.provider_id,
        model: call.model.clone(),
        outcome: None,
        error_kind: None,
        error: None,
        retry_count: call.retries(),
        latency_ms: call.latency_ms,
        ttft_ms: call.ttft_ms,
        streamed: call.streamed,
        usage: call.usage,
        cost_usd: call.cost_nanousd.map(usd),
        line: None,
    }
}
