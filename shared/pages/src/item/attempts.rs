use maud::{Markup, html};
use runmill_proto::{api::InvocationRecord, message::Attempt, usd as dollars};

use super::took;
use crate::{
    number::{NONE, clock, count, millis, usd},
    run::words,
    status,
    text::{one_line, shown},
};

/// Returns the calls of a job, each with all its attempts.
pub fn attempts(calls: &[InvocationRecord]) -> Markup {
    html! {
        h4 { "Calls" }
        @if calls.is_empty() { p.quiet { "No call is recorded." } }
        @for call in calls {
            p.facts {
                span { code { (call.id) } }
                @if let Some(outcome) = call.outcome { (status::outcome(outcome)) } @else { span { "deferred" } }
                span { (shown(&call.model)) }
                span { (took(call.latency_ms, call.ttft_ms)) }
                span { (usd(call.cost_nanousd.map(dollars))) }
                @if !call.streamed { span { "not streamed" } }
            }
            @if !call.attempts.is_empty() { (table(call)) }
        }
    }
}

fn table(call: &InvocationRecord) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label="Attempts" {
            table.small {
                thead { tr {
                    th.number scope="col" { "#" } th scope="col" { "Began" } th.number scope="col" { "Took" }
                    th.number scope="col" { "Status" } th scope="col" { "Error" } th scope="col" { "Key" }
                    th.number scope="col" { "Tokens" } th.number scope="col" { "Cost" }
                } }
                tbody { @for (n, attempt) in call.attempts.iter().enumerate() { (row(n, attempt)) } }
            }
        }
    }
}

fn row(n: usize, attempt: &Attempt) -> Markup {
    let tokens = attempt
        .usage
        .map(|usage| format!("{} + {}", count(usage.prompt_tokens), count(usage.completion_tokens)));
    html! {
        tr {
            td.number { (n + 1) }
            td { (clock(attempt.started_at)) }
            td.number { (millis(Some(attempt.latency_ms))) }
            td.number { @if let Some(status) = attempt.status { (status) } @else { (NONE) } }
            td {
                @if let Some(kind) = attempt.error_kind { b { (words(kind)) } }
                @if let Some(error) = &attempt.error { span.reason { (one_line(error, 400)) } }
                @if attempt.unsent { span.quiet { "never reached the provider" } }
                @if attempt.error_kind.is_none() { span.quiet { "answered" } }
            }
            td { @if let Some(key) = &attempt.key { (shown(key)) } @else { (NONE) } }
            td.number { (tokens.as_deref().unwrap_or(NONE)) }
            td.number { (usd(attempt.cost_nanousd.map(dollars))) }
        }
    }
}
