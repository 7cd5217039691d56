mod attempts;
mod question;

use maud::{Markup, html};
use runmill_proto::{
    Item, Score,
    api::{DetailedResult, InvocationRecord, ResultRecord, Verdict},
};

use crate::{
    layout::Page,
    number::{millis, time},
    results::mark,
    run::{RunHead, Tab, words},
    status,
    text::{one_line, shown},
    url,
};

/// One item with all its samples side by side.
pub struct ItemPage<'a> {
    pub head: RunHead<'a>,
    pub ordinal: u32,
    /// Number of items of the dataset.
    pub items: u64,
    /// The item. `None` if the run keeps no texts, or the dataset was deleted.
    pub item: Option<&'a Item>,
    pub samples: &'a [SampleView],
}

/// A sample with the calls that were made for it.
pub struct SampleView {
    pub result: DetailedResult,
    /// Calls of the job as far as they are recorded, the oldest first.
    pub calls: Vec<InvocationRecord>,
    pub verdicts: Vec<Verdict>,
}

impl ItemPage<'_> {
    pub fn page(&self) -> Page {
        let id = self.head.run.id;
        let name = self.item.map(|item| item.id.as_str());
        let name =
            name.or_else(|| Some(self.samples.first()?.result.result.item_id.as_str())).unwrap_or("item");
        let content = html! {
            div.head {
                h2 { "#" (self.ordinal) " " (one_line(name, 80)) }
                nav.pager aria-label="Items" {
                    @if self.ordinal > 0 { a rel="prev" href=(url::item(id, self.ordinal - 1)) { "Previous" } }
                    @if u64::from(self.ordinal) + 1 < self.items { a rel="next" href=(url::item(id, self.ordinal + 1)) { "Next" } }
                }
            }
            (question::question(self.item, self.samples.first().map(|sample| &sample.result)))
            @if self.samples.is_empty() { p.empty { "This item has no result yet." } }
            div.samples { @for sample in self.samples { (sample.article()) } }
        };
        let page = self.head.page(Tab::Results, &[], &content);
        Page { title: format!("#{} · {}", self.ordinal, page.title), ..page }
    }
}

impl SampleView {
    fn article(&self) -> Markup {
        let result = &self.result.result;
        html! {
            article.card id=(format!("sample-{}", result.sample)) {
                header {
                    h3 { "Sample " (result.sample + 1) }
                    (status::outcome(result.outcome))
                    (mark(result.score.as_ref()))
                    span.quiet { "settled " (time(result.settled_at)) }
                }
                (answer(result))
                @if let Some(score) = &result.score { (why(score)) }
                @if !self.verdicts.is_empty() { (self.verdicts()) }
                (attempts::attempts(&self.calls))
            }
        }
    }

    fn verdicts(&self) -> Markup {
        html! {
            h4 { "Verdicts" }
            @for verdict in &self.verdicts {
                dl.settings {
                    dt { "judge " (verdict.judge + 1) }
                    dd {
                        @if let Some(value) = verdict.value { (format!("{value:.2} ")) }
                        @if let Some(text) = &verdict.verdict { (one_line(text, 200)) }
                        @if verdict.is_flipped { " (changed with the order)" }
                        @if let Some(reason) = &verdict.reason { span.reason { (shown(reason)) } }
                    }
                }
                @if let Some(text) = &verdict.text { details { summary { "Text of the judge" } (block(text)) } }
            }
        }
    }
}

pub fn answer(result: &ResultRecord) -> Markup {
    html! {
        @if let Some(kind) = result.error_kind {
            p.alert { b { (words(kind)) } @if let Some(error) = &result.error { ": " (shown(error)) } }
        } @else if let Some(error) = &result.error { p.alert { (shown(error)) } }
        @if let Some(response) = &result.response { h4 { "Answer" } (block(response)) }
        @if let Some(reasoning) = &result.reasoning { details { summary { "Reasoning" } (block(reasoning)) } }
        @if !result.tool_calls.is_empty() {
            h4 { "Tool calls" }
            @for call in &result.tool_calls {
                details open { summary { code { (shown(&call.name)) } } (block(&call.arguments)) }
            }
        }
        @if let Some(run) = result.reused_from { p.quiet { "Taken over from " a href=(url::run(run)) { (run) } } }
    }
}

pub fn why(score: &Score) -> Markup {
    html! {
        h4 { "Score" }
        dl.settings {
            dt { "scorer" } dd { (shown(&score.scorer)) @if score.version > 1 { ", version " (score.version) } }
            @if let Some(value) = score.value { dt { "value" } dd { (format!("{value:.4}")) } }
            @if let Some(extracted) = &score.extracted { dt { "taken as the answer" } dd { code { (one_line(extracted, 400)) } } }
            @if let Some(detail) = &score.detail { dt { "why" } dd { (shown(detail)) } }
        }
    }
}

/// Returns a text of any length in a box, which scrolls by the keyboard, too.
fn block(text: &str) -> Markup {
    html! { div.text-block tabindex="0" role="group" aria-label="Text" { (shown(text)) } }
}

pub fn took(latency_ms: u64, ttft_ms: Option<u64>) -> Markup {
    html! {
        (millis(Some(latency_ms)))
        @if let Some(ttft) = ttft_ms { ", first token after " (millis(Some(ttft))) }
    }
}
