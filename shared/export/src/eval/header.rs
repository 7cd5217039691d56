use std::io;

use runmill_proto::{
    RunStatus, ScoreSummary, Usage,
    api::{Run, RunCounters},
};
use serde_json::{Map, Value, json};

use super::tally::Tally;
use crate::samples;

/// End of the header: behind the ids, which are the last part of its last part.
const END: &str = "]}}}";

/// Returns the header before and behind the ids of its items.
pub fn around_ids(run: &Run, items: u64, tally: &Tally) -> io::Result<(String, &'static str)> {
    let text = header(run, items, tally).to_string();
    let before = text.strip_suffix(END).ok_or_else(|| io::Error::other("the header has another end"))?;
    Ok((before.to_owned(), END))
}

fn header(run: &Run, items: u64, tally: &Tally) -> Value {
    let ended = run.status.is_terminal();
    let mut header = json!({
        "version": 2,
        "status": status(run.status),
        "results": results(run, tally),
        "stats": {
            "started_at": run.started_at.unwrap_or(run.created_at),
            "completed_at": run.finished_at.filter(|_| ended).map_or_else(String::new, |time| time.to_string()),
            "model_usage": { run.model.as_str(): usage(&run.usage) },
        },
    });
    if run.status == RunStatus::Failed {
        let reason = run.pause_reason.as_deref().unwrap_or("the run failed");
        header["error"] = error(reason);
    }
    header["eval"] = json!({
        "eval_id": run.id,
        "run_id": run.id,
        "task_id": run.id,
        "created": run.created_at,
        "task": run.name.clone().unwrap_or_else(|| run.id.to_string()),
        "task_version": 0,
        "task_args": {},
        "model": run.model,
        "model_args": {},
        "config": { "epochs": samples(run) },
        "packages": { "runmill": env!("CARGO_PKG_VERSION") },
        "metadata": about(run),
        "dataset": { "name": run.dataset_id, "samples": items, "sample_ids": [] },
    });
    header
}

/// Returns what inspect has no place for.
fn about(run: &Run) -> Value {
    let RunCounters { total, settled, failed, calls, .. } = run.counters;
    json!({ "runmill": {
        "run_id": run.id, "provider_id": run.provider_id, "status": run.status, "config": run.config,
        "jobs": total, "settled": settled, "failed": failed, "calls": calls, "cost_usd": run.cost_usd,
        "score": run.score, "score_version": run.score_version,
    }})
}

/// Returns inspect's word for a status. `started` stands for a run that has not ended, whose samples are a part.
const fn status(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Pending | RunStatus::Running => "started",
        RunStatus::Completed => "success",
        RunStatus::Failed => "error",
        RunStatus::Canceled => "cancelled",
    }
}

fn results(run: &Run, tally: &Tally) -> Value {
    json!({
        "total_samples": run.counters.total,
        "completed_samples": tally.answered,
        "scores": scores(run, tally),
    })
}

fn scores(run: &Run, tally: &Tally) -> Vec<Value> {
    let is_only = tally.scores.len() == 1;
    let by_scorer = tally.scores.iter().map(|(name, scores)| {
        // The run's summary has the error, too, if it is of the same scores.
        let summary = is_only && scores.scored == run.score.scored;
        let (mean, stderr) = if summary { (run.score.mean, run.score.stderr) } else { (scores.mean(), None) };
        score(name, (scores.scored, scores.unscored), mean, stderr)
    });
    let by_judge = (0_u32..).zip(&run.judges).map(|(number, judge)| {
        let ScoreSummary { mean, stderr, scored, unscored, .. } = judge.score;
        score(&judge_name(number), (scored, unscored), mean, stderr)
    });
    by_scorer.chain(by_judge).collect()
}

fn score(name: &str, (scored, unscored): (u64, u64), mean: Option<f64>, stderr: Option<f64>) -> Value {
    let metric =
        |name: &str, value: Option<f64>| Some((name.to_owned(), json!({"name": name, "value": value?})));
    let metrics: Map<_, _> = [metric("mean", mean), metric("stderr", stderr)].into_iter().flatten().collect();
    json!({
        "name": name, "scorer": name, "scored_samples": scored, "unscored_samples": unscored, "params": {},
        "metrics": metrics,
    })
}

/// Returns the name of a judge's scores, which are numbered from 0.
pub fn judge_name(number: u32) -> String {
    if number == 0 { "judge".to_owned() } else { format!("judge_{}", number + 1) }
}

/// Returns tokens as inspect counts them: those of a cache are not among the input.
pub fn usage(usage: &Usage) -> Value {
    let of_cache = usage.cached_tokens + usage.cache_write_tokens;
    json!({
        "input_tokens": usage.prompt_tokens.saturating_sub(of_cache),
        "output_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "input_tokens_cache_read": usage.cached_tokens,
        "input_tokens_cache_write": usage.cache_write_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
    })
}

pub fn error(message: &str) -> Value {
    json!({ "message": message, "traceback": "", "traceback_ansi": "" })
}
