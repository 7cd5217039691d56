//! Status of a run in words and colours.

use maud::{Markup, html};
use runmill_proto::{Outcome, RunKind, RunStatus, api::Run};

use crate::{
    number::{count, share},
    text::one_line,
};

/// Longest reason in a line.
const REASON_CHARS: usize = 240;

/// Returns the status in a word: a paused run is not called running.
pub fn word(run: &Run) -> &'static str {
    match run.status {
        status if status.is_terminal() => status.as_str(),
        _ if run.cancel_requested_at.is_some() => "canceling",
        _ if run.paused => "paused",
        status => status.as_str(),
    }
}

pub fn pill(run: &Run) -> Markup {
    let word = word(run);
    html! { span.pill data-status=(word) { (word) } }
}

/// Returns the reasons why a run makes no progress now, each as a line.
pub fn reasons(run: &Run) -> Markup {
    if run.status.is_terminal() {
        return html! {};
    }
    html! {
        @if let Some(reason) = run.pause_reason.as_deref().filter(|_| run.paused) {
            span.reason { (one_line(reason, REASON_CHARS)) }
            @if let Some(at) = run.resume_at { span.reason { "resumes at " (crate::number::time(at)) } }
        }
        @for held in &run.held_back { span.reason { (one_line(&held.message, REASON_CHARS)) } }
        @if let (false, Some(reason)) = (run.paused, waits(run)) {
            span.reason { (count(run.counters.deferred)) " wait: " (one_line(reason, REASON_CHARS)) }
        }
    }
}

fn waits(run: &Run) -> Option<&str> {
    run.retry_reason.as_deref().filter(|_| run.counters.deferred > 0)
}

/// Returns the kind of a run that is no evaluation, in words.
pub fn kind(run: &Run) -> Option<&'static str> {
    match run.kind {
        RunKind::Evaluation => None,
        RunKind::Interactive => Some("calls of clients"),
        RunKind::Batch => Some("batch"),
        RunKind::Lighteval => Some("LightEval"),
        RunKind::Judge => Some("judge"),
    }
}

/// Bar of a run's progress: answers, failures and the rest of the outcomes, of all jobs.
pub fn bar(run: &Run) -> Markup {
    let counters = &run.counters;
    let answered = counters.succeeded + counters.refused + counters.truncated;
    let other = counters.canceled + counters.budget_stopped;
    let parts = [("answered", answered), ("failed", counters.failed), ("other", other)];
    let label = format!(
        "{} of {} settled, {} failed",
        count(counters.settled),
        count(counters.total),
        count(counters.failed)
    );
    let mut at = 0.0;
    let placed = parts.map(|(class, number)| {
        let width = share(number, counters.total) * 100.0;
        at += width;
        (class, at - width, width)
    });
    html! {
        svg.progress role="img" aria-label=(label) viewBox="0 0 100 1" preserveAspectRatio="none" {
            rect.track width="100" height="1" {}
            @for (class, x, width) in placed.into_iter().filter(|(.., width)| *width > 0.0) {
                rect class=(class) x=(format!("{x:.2}")) width=(format!("{width:.2}")) height="1" {}
            }
        }
    }
}

/// Returns an outcome in words, with its colour.
pub fn outcome(outcome: Outcome) -> Markup {
    html! { span.pill data-outcome=(outcome.as_str()) { (outcome_word(outcome)) } }
}

pub fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::BudgetStopped => "budget stopped",
        outcome => outcome.as_str(),
    }
}

/// Returns true if jobs of the run may still settle.
pub const fn is_live(run: &Run) -> bool {
    !run.status.is_terminal() || run.rescoring.is_some()
}

/// Returns true if failed jobs of the run can be tried again.
pub fn can_retry(run: &Run) -> bool {
    matches!(run.status, RunStatus::Completed | RunStatus::Failed) && run.counters.failed > 0
}

/// Returns the seconds that the run takes, or took.
pub fn elapsed(run: &Run, now: jiff::Timestamp) -> Option<f64> {
    let until = run.finished_at.unwrap_or(now);
    run.started_at.map(|from| until.duration_since(from).as_secs_f64().max(0.0))
}

/// Returns the seconds until the run ends at this rate.
pub fn remaining(run: &Run, per_second: Option<f64>) -> Option<f64> {
    let rate = per_second.filter(|rate| *rate > 0.0 && !run.paused && !run.status.is_terminal())?;
    Some(crate::number::float(run.counters.total.saturating_sub(run.counters.settled)) / rate)
}
