use std::time::Duration;

use comfy_table::{Table, presets};
use runmill_proto::{
    ScoreSummary,
    api::{Run, RunLatency},
};

/// Returns the summary of a run as a table. `watched` is a number of jobs and the time in which they settled, for the rate.
pub fn table(run: &Run, watched: Option<(u64, Duration)>) -> Table {
    let counters = &run.counters;
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    let mut row = |name: &str, value: String| {
        table.add_row([name.to_owned(), value]);
    };
    row("run", run.id.to_string());
    row("status", status(run));
    row("model", run.model.clone());
    row("items", format!("{} of {} settled", counters.settled, counters.total));
    row("outcomes", outcomes(run));
    if !run.errors.is_empty() {
        let errors = run.errors.iter().map(|(kind, count)| format!("{count} {kind}"));
        row("errors", errors.collect::<Vec<_>>().join(", "));
    }
    row("score", score(&run.score));
    row("calls", format!("{} ({} retries)", counters.calls, counters.retries));
    row("tokens", tokens(run));
    if let Some(cost) = run.cost_usd {
        row("cost", format!("${cost:.6}"));
    }
    row("latency", latency(&run.latency));
    if let Some(rate) = watched.and_then(rate) {
        row("rate", format!("{rate:.0} items/s"));
    }
    table
}

pub fn status(run: &Run) -> String {
    match &run.pause_reason {
        Some(reason) if !run.status.is_terminal() => format!("{} (paused: {reason})", run.status),
        _ => run.status.to_string(),
    }
}

/// Returns the mean score, its standard error and its coverage.
pub fn score(score: &ScoreSummary) -> String {
    let Some(mean) = score.mean else { return "none".to_owned() };
    let stderr = score.stderr.map(|stderr| format!(" ± {stderr:.4}")).unwrap_or_default();
    let coverage = score.coverage * 100.0;
    format!("{mean:.4}{stderr}  ({} of {} scored, coverage {coverage:.1} %)", score.scored, score.total)
}

fn outcomes(run: &Run) -> String {
    let counters = &run.counters;
    let named = [
        (counters.succeeded, "succeeded"),
        (counters.refused, "refused"),
        (counters.truncated, "truncated"),
        (counters.failed, "failed"),
        (counters.canceled, "canceled"),
        (counters.budget_stopped, "budget stopped"),
    ];
    let there = named.iter().filter(|(count, _)| *count > 0);
    there.map(|(count, name)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
}

fn tokens(run: &Run) -> String {
    let usage = &run.usage;
    format!("{} prompt, {} completion", usage.prompt_tokens, usage.completion_tokens)
}

fn latency(latency: &RunLatency) -> String {
    match (latency.p50_ms, latency.p99_ms) {
        (Some(p50), Some(p99)) => format!("p50 {p50} ms, p99 {p99} ms"),
        _ => "none".to_owned(),
    }
}

fn rate((jobs, elapsed): (u64, Duration)) -> Option<f64> {
    let seconds = elapsed.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    (seconds > 0.0 && jobs > 0).then(|| jobs as f64 / seconds)
}
