mod filter;

use maud::{Markup, html};
use runmill_proto::{
    RunId,
    api::{RunEvent, RunItem, RunLog, RunStatusEvent},
};

pub use filter::{LogFilter, LogKind};

use crate::{
    layout::Page,
    number::{count, millis, usd},
    results::mark,
    run::{RunHead, Tab, words},
    status,
    text::{one_line, shown},
    url,
};

/// Largest number of characters of a text in a line.
const TEXT_CHARS: usize = 240;

/// The newest lines of a run's log, to which a browser adds those that come.
pub struct LogPage<'a> {
    pub head: RunHead<'a>,
    pub filter: &'a LogFilter,
    /// Events in order, each with its `seq`. Those that the filter leaves out are not shown.
    pub events: &'a [(u64, RunEvent)],
    /// `seq` after which the events begin.
    pub after: u64,
    /// `seq` up to which events were read.
    pub last: u64,
}

/// Number of events of a part.
const PART: u64 = 500;

impl LogPage<'_> {
    pub fn page(&self) -> Page {
        let id = self.head.run.id;
        let source = self.filter.url(&format!("{}/lines", url::log(id)));
        let content = html! {
            div.tools {
                (self.filter_form())
                div.filter {
                    // Buttons of the module: without it they would do nothing.
                    button #pause type="button" aria-pressed="false" hidden { "Pause" }
                    label.inline #follow-label hidden { input #follow type="checkbox" checked; " Follow" }
                    span #log-state role="status" {}
                }
            }
            div.log #log tabindex="0" role="log" aria-live="off" aria-label="Log of the run"
                data-source=(source) data-last=(self.last)
            { (log_lines(id, self.filter, self.events, self.last, 0)) }
            (self.pager())
        };
        self.head.page(Tab::Log, &["log.js"], &content)
    }

    fn pager(&self) -> Markup {
        let path = self.filter.url(&url::log(self.head.run.id));
        html! {
            nav.pager aria-label="Parts of the log" {
                @if self.after > 0 {
                    a rel="prev" href=(url::with_query(&path, [("after", self.after.saturating_sub(PART))])) { "Earlier" }
                }
                @if self.last < self.head.run.seq {
                    a rel="next" href=(url::with_query(&path, [("after", self.last)])) { "Later" }
                    a href=(path) { "Newest" }
                }
            }
        }
    }

    fn filter_form(&self) -> Markup {
        html! {
            form.filter role="search" method="get" action=(url::log(self.head.run.id)) data-submit-on-change {
                label { span { "Kind" } select name="kind" {
                    @for kind in LogKind::ALL {
                        option value=(kind) selected[kind == self.filter.kind] {
                            @if kind == LogKind::All { "all" } @else { (kind) }
                        }
                    }
                } }
                label { span { "Item #" } input type="number" name="item" min="0" max=(u32::MAX) value=[self.filter.item]; }
                button type="submit" { "Filter" }
                @if *self.filter != LogFilter::default() { a href=(url::log(self.head.run.id)) { "Clear" } }
            }
        }
    }
}

/// Lines of a log in a list: the part that a browser adds to the page.
///
/// * `last`: `seq` up to which events were read; the next part begins after it.
/// * `skipped`: number of events before these that are left out.
pub fn log_lines(
    run: RunId,
    filter: &LogFilter,
    events: &[(u64, RunEvent)],
    last: u64,
    skipped: u64,
) -> Markup {
    html! {
        ol.lines data-last=(last) {
            @if skipped > 0 { li.gap { (count(skipped)) " earlier lines are left out" } }
            @for (seq, event) in events.iter().filter(|(_, event)| filter.has(event)) { (line(run, *seq, event)) }
        }
    }
}

fn line(run: RunId, seq: u64, event: &RunEvent) -> Markup {
    let place = |ordinal: u32, sample: u32| {
        html! {
            a.place href=(format!("{}#sample-{sample}", url::item(run, ordinal))) {
                "#" (ordinal) @if sample > 0 { "." (sample) }
            }
        }
    };
    html! {
        li data-seq=(seq) {
            span.seq { (seq) }
            @match event {
                RunEvent::RunItem(item) => { span.kind { "result" } (place(item.ordinal, item.sample)) span.what { (result(item)) } },
                RunEvent::RunLog(RunLog { line: Some(line), .. }) => { span.kind { "lighteval" } span.place {} span.what { (shown(line)) } },
                RunEvent::RunLog(log) => {
                    span.kind { (kind(log)) }
                    (place(log.ordinal, log.sample))
                    span.what { (call(log)) }
                },
                RunEvent::RunStatus(status) => { span.kind { "status" } span.place {} span.what { (change(status)) } },
                _ => {},
            }
        }
    }
}

fn result(item: &RunItem) -> Markup {
    html! {
        (status::outcome(item.outcome)) " " (mark(item.score.as_ref())) " "
        @if let Some(kind) = item.error_kind { b { (words(kind)) } " " }
        @if let Some(answer) = &item.answer { (one_line(answer, TEXT_CHARS)) }
        @else { span.quiet { (one_line(&item.question, TEXT_CHARS)) } }
    }
}

/// Returns the kind of an event of a call: its end, or a failed attempt within it, or its end with the job deferred.
fn kind(log: &RunLog) -> &'static str {
    match (log.outcome, log.error_kind) {
        (Some(_), _) => "call",
        (None, Some(_)) => "attempt",
        (None, None) => "deferred",
    }
}

fn call(log: &RunLog) -> Markup {
    html! {
        @if let Some(outcome) = log.outcome { (status::outcome(outcome)) " " }
        @if let Some(kind) = log.error_kind { b { (words(kind)) } " " }
        (millis(Some(log.latency_ms)))
        @if let Some(ttft) = log.ttft_ms { ", first token " (millis(Some(ttft))) }
        @if let Some(usage) = log.usage { ", " (count(usage.prompt_tokens)) " + " (count(usage.completion_tokens)) " tokens" }
        @if let Some(cost) = log.cost_usd { ", " (usd(Some(cost))) }
        @if log.retry_count > 0 {
            @if log.outcome.is_some() { ", " (count(log.retry_count)) " retried" }
            @else { ", attempt " (count(log.retry_count + 1)) }
        }
        @if let Some(error) = &log.error { " " span.quiet { (one_line(error, TEXT_CHARS)) } }
    }
}

fn change(status: &RunStatusEvent) -> Markup {
    html! {
        span.pill data-status=(status.status) { (status.status) }
        @if let Some(reason) = status.pause_reason.as_deref().filter(|_| !status.status.is_terminal()) {
            " paused: " (one_line(reason, TEXT_CHARS))
        }
        @if let Some(reason) = status.retry_reason.as_deref().filter(|_| status.retry_after.is_some()) {
            " waits: " (one_line(reason, TEXT_CHARS))
        }
        @if status.cancel_requested_at.is_some() && !status.status.is_terminal() { " cancel requested" }
    }
}

#[cfg(test)]
mod tests {
    use runmill_proto::{ErrorKind, Outcome};
    use uuid::Uuid;

    use super::*;

    fn item(ordinal: u32, error_kind: Option<ErrorKind>) -> RunEvent {
        RunEvent::RunItem(RunItem {
            run_id: RunId::from_uuid(Uuid::nil()),
            ordinal,
            sample: 0,
            item_id: "a".to_owned(),
            question: "?".to_owned(),
            answer: Some("</li><script>\u{202e}".to_owned()),
            outcome: Outcome::Succeeded,
            error_kind,
            score: None,
        })
    }

    #[test]
    fn a_filter_keeps_the_numbers_of_lines() {
        let events = [(4, item(0, None)), (5, item(1, Some(ErrorKind::Overloaded))), (6, item(1, None))];
        let lines = |kind, item| {
            let filter = LogFilter { kind, item };
            let html = log_lines(RunId::from_uuid(Uuid::nil()), &filter, &events, 6, 0).into_string();
            assert!(html.contains("data-last=\"6\"") && !html.contains("<script"), "{html}");
            let seqs = [4, 5, 6].into_iter().filter(|seq| html.contains(&format!("data-seq=\"{seq}\"")));
            seqs.collect::<Vec<u64>>()
        };
        assert_eq!(lines(LogKind::All, None), [4, 5, 6]);
        assert_eq!(lines(LogKind::Failures, None), [5]);
        assert_eq!(lines(LogKind::Results, Some(1)), [5, 6]);
        assert!(lines(LogKind::Calls, None).is_empty());
    }
}
