use maud::{Markup, html};
use runmill_proto::{
    ScoreSummary, Unscored,
    api::{LightevalOutcome, Run},
};

use super::{RunPage, budget_usd};
use crate::{
    number::{NONE, count, float, millis, percent, rate, score, seconds, usd},
    status,
    text::one_line,
};

/// Returns the numbers of a run, each with its name.
pub fn figures(page: &RunPage<'_>) -> Markup {
    let run = page.head.run;
    html! {
        div.progress-line { (status::bar(run)) }
        dl.figures {
            (figure("Settled", &html! { (count(run.counters.settled)) }, &settled(run)))
            (figure("Score", &html! { (score(&run.score)) }, &scored(run)))
            (pace(page))
            (figure("Cost", &html! { (usd(run.cost_usd)) }, &cost(run)))
            (figure("Latency p50", &html! { (millis(run.latency.p50_ms)) }, &html! { "p99 " (millis(run.latency.p99_ms)) }))
            (figure("Calls", &html! { (count(run.counters.calls)) }, &calls(run)))
            (figure("Prompt tokens", &html! { (count(run.usage.prompt_tokens)) }, &prompt(run)))
            (figure("Answer tokens", &html! { (count(run.usage.completion_tokens)) }, &answers(run)))
        }
        @if !(run.judges.is_empty() && run.score_versions.is_empty()) { (further(run)) }
        @if let Some(outcome) = &run.lighteval { (lighteval(outcome)) }
    }
}

fn figure(name: &str, value: &Markup, sub: &Markup) -> Markup {
    html! { div { dt { (name) } dd { b { (value) } span.sub { (sub) } } } }
}

fn settled(run: &Run) -> Markup {
    let left = run.counters.total.saturating_sub(run.counters.settled);
    html! {
        "of " (count(run.counters.total))
        @if left > 0 && !run.status.is_terminal() { ", " (count(left)) " left" }
    }
}

fn scored(run: &Run) -> Markup {
    let summary = &run.score;
    html! {
        (count(summary.scored)) " of " (count(summary.total)) " scored, coverage " (percent(summary.coverage))
        @if summary.unscored > 0 { ", " (count(summary.unscored)) " unscored " (treatment(summary)) }
    }
}

fn treatment(summary: &ScoreSummary) -> &'static str {
    match summary.unscored_as {
        Unscored::Skip => "left out",
        Unscored::Zero => "as 0",
    }
}

fn pace(page: &RunPage<'_>) -> Markup {
    let run = page.head.run;
    let elapsed = status::elapsed(run, page.now);
    let mean = elapsed.filter(|elapsed| *elapsed > 0.0).map(|elapsed| float(run.counters.settled) / elapsed);
    let now = if run.status.is_terminal() { mean } else { page.per_second };
    let shown = now.map_or_else(|| NONE.to_owned(), |now| rate(now, "items"));
    let time = elapsed.map_or_else(|| "not started".to_owned(), seconds);
    let left = status::remaining(run, page.per_second);
    figure(
        "Rate",
        &html! { (shown) },
        &html! {
            @if run.status.is_terminal() { "in " (time) }
            @else if let Some(left) = left { (seconds(left)) " left, " (time) " so far" }
            @else { (time) " so far" }
        },
    )
}

fn cost(run: &Run) -> Markup {
    html! {
        @if let Some(budget) = budget_usd(run) { "of a budget of " (usd(Some(budget))) } @else { "no budget" }
        @if run.counters.unpriced > 0 { ", " (count(run.counters.unpriced)) " calls of unknown cost" }
    }
}

fn calls(run: &Run) -> Markup {
    html! {
        (count(run.counters.retries)) " retries"
        @if run.counters.reused > 0 { ", " (count(run.counters.reused)) " answers reused" }
    }
}

fn prompt(run: &Run) -> Markup {
    html! { (count(run.usage.cached_tokens)) " cached" }
}

fn answers(run: &Run) -> Markup {
    html! {
        (count(run.usage.reasoning_tokens)) " reasoning"
        @if run.counters.untold_usage > 0 { ", " (count(run.counters.untold_usage)) " calls untold" }
    }
}

/// Returns the metrics of LightEval.
fn lighteval(outcome: &LightevalOutcome) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label="Metrics of LightEval" {
            table.small {
                thead { tr { th scope="col" { "Task" } th scope="col" { "Metric of LightEval" } th.number scope="col" { "Value" } } }
                tbody {
                    @for metric in &outcome.metrics {
                        tr { td { (one_line(&metric.task, 80)) } td { (one_line(&metric.name, 80)) } td.number { (format!("{:.4}", metric.value)) } }
                    }
                }
            }
        }
        @if outcome.unanswered > 0 {
            p.quiet { (count(outcome.unanswered)) " of " (count(outcome.samples)) " samples have no answer, which LightEval counts as wrong." }
        }
    }
}

/// Returns the scores beside the one by which the run is shown: of other scorers, and of judges.
fn further(run: &Run) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label="Further scores" {
            table.small {
                thead { tr { th scope="col" { "Scored by" } th.number scope="col" { "Score" }
                    th.number scope="col" { "Coverage" } th scope="col" { "State" } } }
                tbody {
                    @for version in &run.score_versions {
                        tr {
                            td { @if let Some(scoring) = &version.scoring { (scoring.scorer) } @else { "by item" }
                                @if version.version == run.score_version { span.sub { "shown" } } }
                            td.number { (score(&version.score)) }
                            td.number { (percent(version.score.coverage)) }
                            td { "version " (version.version) }
                        }
                    }
                    @for judge in &run.judges {
                        tr {
                            td { "judge " (one_line(&judge.judge.model, 60)) }
                            td.number { (score(&judge.score)) }
                            td.number { (percent(judge.score.coverage)) }
                            td {
                                (judge.status) ", " (count(judge.settled)) " of " (count(judge.total))
                                @if let Some(reason) = &judge.pause_reason { span.reason { (one_line(reason, 200)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
