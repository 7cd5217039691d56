//! A batch as OpenAI's clients read it.

use jiff::Timestamp;
use runmill_store::{LineFault, ResultFile};
use serde_json::{Value, json};

use super::{OpenBatch, PREFIX, Phase};
use crate::front_door::ids::{self, FileId};

/// Number of lines up to which a refused batch has one error for each line.
const ERRORS_FOR_LINES_MAX: u64 = 1_000;

/// Returns the object of a batch. Only OpenAI's words are used for its status, since some clients end with an error at any
/// other. What these cannot say is in `runmill`, which clients let be: the run, and why it is paused.
pub fn object(batch: &OpenBatch) -> Value {
    let (row, phase, counts) = (&batch.row, batch.phase(), batch.counts());
    let run = batch.run.as_ref();
    let ended = batch.ended_at();
    let at = |is: bool, time: Option<Timestamp>| time.filter(|_| is).map(Timestamp::as_second);
    let canceled = run.and_then(|run| run.cancel_requested_at);
    let by_client = matches!(phase, Phase::Canceling | Phase::Canceled);
    let by_window = matches!(phase, Phase::Expiring | Phase::Expired);
    let file = |file| batch.has(file).then(|| FileId::OfBatch(row.id, file).to_string());
    // At the end, the counts are the lines of the two files.
    let failed = if phase.is_over() { row.total - counts.answered } else { counts.failed + counts.canceled };
    let failed = if phase == Phase::Refused { 0 } else { failed };
    let runmill = run.map(|run| {
        json!({
            "run_id": run.id,
            "paused_at": run.paused_at(),
            "pause_reason": run.pause_reason(),
            "resume_at": run.resume_at(),
        })
    });
    json!({
        "id": ids::batch(PREFIX, row.id),
        "object": "batch",
        "endpoint": row.endpoint,
        "model": row.model,
        "errors": row.faults.as_deref().map(|faults| errors(faults, row.total)),
        "input_file_id": FileId::Uploaded(row.dataset_id).to_string(),
        "completion_window": row.completion_window,
        "status": status(phase),
        "output_file_id": file(ResultFile::Output),
        "error_file_id": file(ResultFile::Errors),
        "created_at": row.created_at.as_second(),
        "in_progress_at": run.map(|_| row.created_at.as_second()),
        "expires_at": row.expires_at.as_second(),
        "finalizing_at": at(phase == Phase::Completed, ended).or_else(|| at(by_window, row.expired_at)),
        "completed_at": at(phase == Phase::Completed, ended),
        "failed_at": at(phase == Phase::Refused, ended),
        "expired_at": at(phase == Phase::Expired, ended),
        "cancelling_at": at(by_client, canceled),
        "cancelled_at": at(phase == Phase::Canceled, ended),
        "request_counts": {"total": row.total, "completed": counts.answered, "failed": failed},
        "metadata": row.metadata,
        "runmill": runmill,
    })
}

const fn status(phase: Phase) -> &'static str {
    match phase {
        Phase::Refused => "failed",
        Phase::InProgress => "in_progress",
        Phase::Expiring => "finalizing",
        Phase::Canceling => "cancelling",
        Phase::Completed => "completed",
        Phase::Expired => "expired",
        Phase::Canceled => "cancelled",
    }
}

/// Returns the errors of a refused batch. Unless it is long, there is one for each line, in their order, since inspect shows
/// the reason of a line only then.
fn errors(faults: &[LineFault], total: u64) -> Value {
    if total > ERRORS_FOR_LINES_MAX {
        return list(&faults.iter().map(error).collect::<Vec<_>>());
    }
    let of_batch = faults.iter().find(|fault| fault.line.is_none());
    let first = faults.iter().find_map(|fault| fault.line).unwrap_or_default();
    let mut own = faults.iter().peekable();
    let of_line = |line: u64| {
        if let Some(fault) = of_batch {
            return error(fault);
        }
        // The numbers also count blank lines, so the last faults may be due earlier.
        let must_come = own.len() as u64 > total - line;
        let fault = own.next_if(|fault| must_come || fault.line <= Some(line));
        fault.map_or_else(|| not_executed(first), error)
    };
    list(&(1..=total).map(of_line).collect::<Vec<_>>())
}

fn list(data: &[Value]) -> Value {
    json!({"object": "list", "data": data})
}

fn error(fault: &LineFault) -> Value {
    json!({"code": fault.code, "message": fault.message, "line": fault.line, "param": fault.param})
}

fn not_executed(first: u64) -> Value {
    let message = format!("The line was not executed, because of the fault in line {first}.");
    json!({"code": "batch_failed", "message": message, "line": null, "param": null})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(line: Option<u64>) -> LineFault {
        LineFault { code: "invalid_url".into(), message: "m".into(), line, param: None }
    }

    fn codes(faults: &[LineFault], total: u64) -> Vec<String> {
        let errors = errors(faults, total);
        let data = errors["data"].as_array().unwrap();
        data.iter().map(|error| error["code"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_refused_batch_has_an_error_for_each_line() {
        let (bad, other) = ("invalid_url", "batch_failed");
        assert_eq!(codes(&[fault(Some(2))], 3), [other, bad, other]);
        assert_eq!(codes(&[fault(Some(1)), fault(Some(3))], 3), [bad, other, bad]);
        // Line 9 of a file with blank lines, which has three others.
        assert_eq!(codes(&[fault(Some(2)), fault(Some(9))], 3), [other, bad, bad]);
        assert_eq!(codes(&[fault(None)], 2), [bad, bad]);
        assert_eq!(codes(&[fault(Some(2))], 1_001), [bad]);
    }
}
