//! The summary of a run as a table.

mod calls;
mod faults;
mod judges;
mod lighteval;
mod remarks;
mod scorers;

use std::{fmt::Display, time::Duration};

use comfy_table::{ContentArrangement, Table, presets};
use runmill_proto::{
    ScoreSummary, Scoring, Unscored,
    api::{Run, RunLatency},
};

use super::{
    budget, rescoring,
    waiting::{self, is_users_pause},
};

/// Returns the summary of a run. `watched` is a number of jobs and the time in which they settled, for the rate.
pub fn table(run: &Run, watched: Option<(u64, Duration)>) -> Table {
    let counters = &run.counters;
    let mut table = Table::new();
    // Wraps long texts at the width of the terminal, if there is one.
    table.load_style(presets::UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    let mut row = |name: &str, value: String| {
        table.add_row([name.to_owned(), value]);
    };
    row("run", run.id.to_string());
    row("status", status(run));
    row("model", remarks::model(run));
    row("items", format!("{} of {} settled", counters.settled, counters.total));
    row("outcomes", outcomes(run));
    for (name, values) in [("errors", faults::errors(run)), ("notes", remarks::notes(run))] {
        for (n, value) in values.into_iter().enumerate() {
            row(if n == 0 { name } else { "" }, value);
        }
    }
    for (n, value) in scorers::lines(run).into_iter().enumerate() {
        row(if n == 0 { "score" } else { "" }, value);
    }
    for (n, value) in lighteval::lines(run).into_iter().enumerate() {
        row(if n == 0 { "lighteval" } else { "" }, value);
    }
    for (n, value) in judges::lines(run).into_iter().enumerate() {
        row(if n == 0 { "judges" } else { "" }, value);
    }
    if !run.unscored.is_empty() {
        row("unscored", by_number(&run.unscored));
    }
    if counters.reused > 0 {
        row("reused", calls::reused(run));
    }
    row("calls", calls::calls(run));
    row("tokens", calls::tokens(run));
    if let Some(cost) = calls::cost(run) {
        row("cost", cost);
    }
    if let Some(left) = budget::left(run) {
        row("budget", left);
    }
    row("latency", latency(&run.latency));
    if let Some(rate) = watched.and_then(rate) {
        row("rate", waiting::rate(rate));
    }
    table
}

pub fn status(run: &Run) -> String {
    match &run.pause_reason {
        Some(reason) if !run.status.is_terminal() && is_users_pause(run) => reason.clone(),
        Some(reason) if !run.status.is_terminal() => format!("paused: {reason}"),
        _ if !run.held_back.is_empty() => format!("{}, held back: {}", run.status, held_back(run)),
        _ => run.status.to_string(),
    }
}

/// As [`status`], in a word.
pub fn status_word(run: &Run) -> String {
    let is_paused = run.pause_reason.is_some() && !run.status.is_terminal();
    if is_paused { "paused".to_owned() } else { run.status.to_string() }
}

fn held_back(run: &Run) -> String {
    let messages: Vec<_> = run.held_back.iter().map(|held| held.message.as_str()).collect();
    messages.join("; ")
}

/// Returns the mean score, its standard error and its coverage.
pub fn score(score: &ScoreSummary) -> String {
    let Some(mean) = score.mean else { return "none".to_owned() };
    let stderr = score.stderr.map(|stderr| format!(" ± {stderr:.4}")).unwrap_or_default();
    let coverage = score.coverage * 100.0;
    let scored =
        format!("{mean:.4}{stderr}  ({} of {} scored, coverage {coverage:.1} %)", score.scored, score.total);
    match otherwise(score) {
        Some(otherwise) => format!("{scored}; {otherwise}"),
        None => scored,
    }
}

/// As [`score`], for the cell of a table.
pub fn short_score(score: &ScoreSummary) -> String {
    let Some(mean) = score.mean else { return String::new() };
    score.stderr.map_or_else(|| format!("{mean:.4}"), |stderr| format!("{mean:.4} ± {stderr:.4}"))
}

/// Returns the name of the scorer by which the run is shown.
pub fn scorer(run: &Run) -> String {
    scoring(rescoring::shown(run).as_ref())
}

/// Returns the name of a scorer. Without one, each item has that of its type or of its own.
pub fn scoring(scoring: Option<&Scoring>) -> String {
    scoring.map_or_else(|| "by item".to_owned(), |scoring| scoring.scorer.as_str().to_owned())
}

/// Returns what the other treatment of unscored answers gives, where that is another result.
fn otherwise(score: &ScoreSummary) -> Option<String> {
    let (mean, otherwise) = score.mean.zip(score.mean_otherwise)?;
    let differs = (mean - otherwise).abs() > score.stderr.unwrap_or_default();
    let treatment = match score.unscored_as {
        Unscored::Skip => "if unscored answers count as 0",
        Unscored::Zero => "without the unscored answers",
    };
    differs.then(|| format!("{otherwise:.4} {treatment}"))
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
    let there: Vec<_> = there.map(|(count, name)| format!("{count} {name}")).collect();
    if there.is_empty() { "none yet".to_owned() } else { there.join(", ") }
}

/// Lists numbers with what they count, the largest first.
fn by_number<'a, T: Display + 'a>(counts: impl IntoIterator<Item = (&'a T, &'a u64)>) -> String {
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    counts.iter().map(|(what, count)| format!("{count}: {what}")).collect::<Vec<_>>().join("; ")
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

#[cfg(test)]
mod tests;
