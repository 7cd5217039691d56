//! The summary of a run as a table.

mod calls;
mod faults;
mod judges;
mod lighteval;
mod remarks;
mod scorers;

use std::{fmt::Display, time::Duration};

use runmill_proto::{
    ScoreSummary, Scoring, Unscored,
    api::{Run, RunLatency},
};

use super::{
    budget, rescoring,
    waiting::{self, is_users_pause},
};
use crate::screen::Sheet;

/// Returns the summary of a run. `watched` is a number of jobs and the time in which they settled, for the rate.
pub fn table(run: &Run, watched: Option<(u64, Duration)>) -> Sheet {
    let counters = &run.counters;
    let mut sheet = Sheet::framed();
    sheet.row("run", run.id.to_string());
    sheet.row("status", status(run));
    sheet.row("model", remarks::model(run));
    sheet.row("items", format!("{} of {} settled", counters.settled, counters.total));
    sheet.row("outcomes", outcomes(run));
    sheet.rows("errors", faults::errors(run));
    sheet.rows("notes", remarks::notes(run));
    sheet.rows("score", scorers::lines(run));
    sheet.rows("lighteval", lighteval::lines(run));
    sheet.rows("judges", judges::lines(run));
    if !run.unscored.is_empty() {
        sheet.row("unscored", by_number(&run.unscored));
    }
    if counters.reused > 0 {
        sheet.row("reused", calls::reused(run));
    }
    sheet.row("calls", calls::calls(run));
    sheet.row("tokens", calls::tokens(run));
    sheet.rows("cost", calls::cost(run));
    sheet.rows("budget", budget::left(run));
    sheet.row("latency", latency(&run.latency));
    sheet.rows("rate", watched.and_then(rate).map(waiting::rate));
    sheet
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
