//! A report of one run as a single file, which can be mailed: it needs no server and has no script.

use maud::{DOCTYPE, Markup, html};
use runmill_proto::api::{DetailedResult, Run};

use crate::{
    assets,
    item::{answer, took, why},
    number::{NONE, count, millis, percent, score, time, usd},
    results::mark,
    run::words,
    status,
    text::{one_line, plain, shown},
};

/// The file may load nothing but its own style.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";
const STYLES: [&str; 3] = ["style.css", "layout.css", "table.css"];

/// The results that a report shows in full, and how many it leaves out.
pub struct Report<'a> {
    pub run: &'a Run,
    /// Results, each as [`report_result`] makes it.
    pub results: &'a [String],
    pub left_out: u64,
}

impl Report<'_> {
    /// Returns the whole file.
    pub fn document(&self) -> String {
        let name = self.run.name.as_deref().unwrap_or(&self.run.model);
        let document = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(POLICY);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (plain(name)) " · runmill" }
                    style { @for style in STYLES { (maud::PreEscaped(assets::text(style))) } }
                }
                body {
                    main id="main" {
                        div.head { h1 { (one_line(name, 200)) } (status::pill(self.run)) }
                        p.facts {
                            span { code { (self.run.id) } }
                            span { (one_line(&self.run.model, 200)) }
                            span { "submitted " (time(self.run.created_at)) }
                            @if let Some(at) = self.run.finished_at { span { "ended " (time(at)) } }
                        }
                        (figures(self.run))
                        (faults(self.run))
                        details { summary { "Configuration" } div.text-block { (shown(&configuration(self.run))) } }
                        h2 { "Results" }
                        p.quiet { (self.choice()) }
                        @for result in self.results { (maud::PreEscaped(result)) }
                    }
                    footer.foot { span { "Times are in UTC." } span { "Made by runmill." } }
                }
            }
        };
        document.into_string()
    }

    /// Says which results are there.
    fn choice(&self) -> String {
        let there = "Failed, wrong and unscored ones come first.";
        if self.left_out == 0 {
            return there.to_owned();
        }
        format!("{there} {} more are left out; an export in another format has all.", count(self.left_out))
    }
}

/// Returns one result in full, folded to one line.
pub fn report_result(of: &DetailedResult) -> String {
    let result = &of.result;
    let call = of.call.as_ref();
    let folded = html! {
        details.card {
            summary {
                "#" (result.ordinal) @if result.sample > 0 { "." (result.sample) } " "
                b { (one_line(&result.item_id, 80)) } " "
                (status::outcome(result.outcome)) " " (mark(result.score.as_ref())) " "
                span.quiet { (one_line(of.question.as_deref().unwrap_or_default(), 120)) }
            }
            @if let Some(question) = &of.question { h4 { "Question" } div.text-block { (shown(question)) } }
            @if !of.references.is_empty() {
                h4 { "Reference" }
                ul { @for reference in &of.references { li { (shown(reference)) } } }
            }
            (answer(result))
            @if let Some(score) = &result.score { (why(score)) }
            @if let Some(call) = call {
                p.quiet { (took(call.latency_ms, call.ttft_ms)) ", " (count(call.attempts)) " requests, " (usd(call.cost_usd)) }
            }
        }
    };
    folded.into_string()
}

fn figures(run: &Run) -> Markup {
    let (counters, summary) = (&run.counters, &run.score);
    let figure = |name: &str, value: &Markup, sub: &str| html! { div { dt { (name) } dd { b { (value) } span.sub { (sub) } } } };
    let scored = format!(
        "{} of {} scored, coverage {}",
        count(summary.scored),
        count(summary.total),
        percent(summary.coverage)
    );
    html! {
        div.progress-line { (status::bar(run)) }
        dl.figures {
            (figure("Score", &score(summary), &scored))
            (figure("Results", &html! { (count(counters.settled)) }, &format!("of {}, {} failed", count(counters.total), count(counters.failed))))
            (figure("Cost", &html! { (usd(run.cost_usd)) }, if run.cost_usd.is_some() { "" } else { NONE }))
            (figure("Latency p50", &html! { (millis(run.latency.p50_ms)) }, &format!("p99 {}", millis(run.latency.p99_ms))))
            (figure("Calls", &html! { (count(counters.calls)) }, &format!("{} retries", count(counters.retries))))
            (figure("Tokens", &html! { (count(run.usage.total_tokens())) }, &format!("{} of answers", count(run.usage.completion_tokens))))
        }
    }
}

fn faults(run: &Run) -> Markup {
    html! {
        @if !run.messages.is_empty() {
            h2 { "Errors" }
            table.small {
                thead { tr { th scope="col" { "Kind" } th.number scope="col" { "Jobs" } th scope="col" { "Text" } } }
                tbody {
                    @for message in &run.messages {
                        tr { td { (words(message.kind)) } td.number { (count(message.jobs)) } td { (one_line(&message.text, 400)) } }
                    }
                }
            }
        }
    }
}

fn configuration(run: &Run) -> String {
    serde_json::to_string_pretty(&run.config).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn a_report_loads_nothing_and_text_of_models_is_no_html() {
        let mut run = testing::run();
        run.name = Some("<img src=x>".into());
        let hostile = "</details><script>x</script>\u{202e}";
        let result = serde_json::json!({"ordinal": 0, "sample": 0, "item_id": "q", "invocation_id": "inv_00000000000000000000000000000001",
            "outcome": "succeeded", "response": hostile, "settled_at": "2026-01-01T00:00:00Z", "question": hostile});
        let results = [report_result(&serde_json::from_value(result).unwrap())];
        let text = Report { run: &run, results: &results, left_out: 1_234 }.document();
        for absent in ["<script", "<img", "href=", "\u{202e}", "@import", "url("] {
            assert!(!text.contains(absent), "{absent}");
        }
        assert!(text.contains("1,234 more are left out") && text.contains(POLICY));
    }
}
