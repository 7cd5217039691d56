use maud::{Markup, html};
use runmill_proto::{Outcome, api::Run};

use super::courses::words;
use crate::{
    number::{count, percent, share},
    status,
    text::{one_line, shown},
    url,
};

/// Returns the outcomes of a run's jobs, its errors with their texts, and remarks on its answers.
pub fn faults(run: &Run) -> Markup {
    html! {
        h2 { "Outcomes" }
        (outcomes(run))
        @if !run.errors.is_empty() { h2 { "Errors" } (errors(run)) }
        @if !run.unscored.is_empty() { h2 { "Unscored" } (unscored(run)) }
        @if !(run.fixes.is_empty() && run.notes.is_empty() && run.answered_by.is_empty()) {
            h2 { "Remarks" } (remarks(run))
        }
    }
}

fn outcomes(run: &Run) -> Markup {
    let counters = &run.counters;
    let all = [
        (Outcome::Succeeded, counters.succeeded),
        (Outcome::Refused, counters.refused),
        (Outcome::Truncated, counters.truncated),
        (Outcome::Failed, counters.failed),
        (Outcome::Canceled, counters.canceled),
        (Outcome::BudgetStopped, counters.budget_stopped),
    ];
    let there = all.into_iter().filter(|(_, number)| *number > 0);
    html! {
        @if counters.settled == 0 { p.quiet { "None yet." } } @else {
            table.small {
                thead { tr { th scope="col" { "Outcome" } th.number scope="col" { "Jobs" } th.number scope="col" { "Share" } } }
                tbody {
                    @for (outcome, number) in there {
                        tr {
                            td { a href=(filtered(run, "outcome", outcome.as_str())) { (status::outcome(outcome)) } }
                            td.number { (count(number)) }
                            td.number { (percent(share(number, counters.settled))) }
                        }
                    }
                }
            }
        }
    }
}

fn errors(run: &Run) -> Markup {
    html! {
        table.small {
            thead { tr { th scope="col" { "Kind" } th.number scope="col" { "Jobs" } th scope="col" { "Commonest texts" } } }
            tbody {
                @for (kind, number) in &run.errors {
                    tr {
                        td { a href=(filtered(run, "error_kind", kind.as_str())) { (words(*kind)) } }
                        td.number { (count(*number)) }
                        td {
                            @for message in run.messages.iter().filter(|message| message.kind == *kind).take(3) {
                                span.reason { (one_line(&message.text, 240))
                                    @if message.jobs > 1 { " (" (count(message.jobs)) ")" } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn unscored(run: &Run) -> Markup {
    html! {
        table.small {
            thead { tr { th scope="col" { "Reason" } th.number scope="col" { "Answers" } } }
            tbody {
                @for (reason, number) in &run.unscored {
                    tr { td { (one_line(reason, 240)) } td.number { (count(*number)) } }
                }
            }
        }
        p { a href=(filtered(run, "score", "unscored")) { "Unscored answers" } }
    }
}

fn remarks(run: &Run) -> Markup {
    let fixes = run.fixes.iter().map(|(fix, number)| (fix.as_str(), *number));
    let notes = run.notes.iter().map(|(note, number)| (note.as_str(), *number));
    html! {
        table.small {
            thead { tr { th scope="col" { "Remark" } th.number scope="col" { "Calls" } } }
            tbody {
                @for (name, number) in fixes.chain(notes) {
                    tr { td { (name.replace('_', " ")) } td.number { (count(number)) } }
                }
            }
        }
        @if !run.answered_by.is_empty() {
            p { "Answers name " @for model in &run.answered_by { code { (shown(model)) } " " } }
        }
    }
}

/// Returns the URL of those results that have a value.
fn filtered(run: &Run, name: &'static str, value: &str) -> String {
    url::with_query(&url::results(run.id), [(name, value)])
}
