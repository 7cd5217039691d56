use maud::{Markup, html};
use runmill_proto::{
    RunId,
    api::{ChangedItem, Comparison, ComparisonTest, Run},
};

use crate::{
    layout::{Page, Place},
    number::{NONE, count, millis, score, usd},
    runs::{RunLine, choices},
    text::{one_line, shown},
    url,
    viewer::Viewer,
};

/// Largest number of changed items of a pair that the page lists in each direction.
const CHANGED: usize = 200;

/// Several runs beside the first of them.
pub struct ComparePage<'a> {
    pub viewer: &'a Viewer,
    /// Runs that can be chosen, the newest first.
    pub choices: &'a [RunLine],
    /// Runs that are compared. The others are compared with the first.
    pub runs: &'a [Run],
    /// One for each run but the first.
    pub pairs: &'a [Pair],
}

/// Comparison of a run with the first one.
pub struct Pair {
    pub run: RunId,
    /// The comparison, or the reason why there is none.
    pub comparison: Result<Comparison, String>,
}

impl ComparePage<'_> {
    pub fn page(&self) -> Page {
        let selected: Vec<_> = self.runs.iter().map(|run| run.id).collect();
        let body = html! {
            div.head { h1 { "Compare" } }
            @if self.runs.len() >= 2 { (self.table()) (self.changes()) }
            @else { p { "Choose two or more runs on one dataset. The others are compared with the oldest." } }
            details open[self.runs.len() < 2] {
                summary { "Choose runs" }
                form.stack method="get" action=(url::COMPARE) {
                    (choices(self.choices, &selected))
                    button.main type="submit" { "Compare" }
                }
            }
        };
        Page::fixed("Compare", Place::Compare, body)
    }

    fn table(&self) -> Markup {
        html! {
            div.scroll tabindex="0" role="group" aria-label="Compared runs" {
                table {
                    thead { tr {
                        th scope="col" { "Run" }
                        th.number scope="col" { "Score" }
                        th.number scope="col" { "Difference" }
                        th scope="col" { "95 % interval" }
                        th.number scope="col" { "p" }
                        th.number scope="col" { "Better" }
                        th.number scope="col" { "Worse" }
                        th.number scope="col" { "Items of both" }
                        th.number scope="col" { "Cost" }
                        th.number scope="col" { "p50" }
                        th.number scope="col" { "p99" }
                        th.number scope="col" { "Answer tokens" }
                    } }
                    tbody { @for (n, run) in self.runs.iter().enumerate() { (self.row(n, run)) } }
                }
            }
            @for pair in self.pairs { (warnings(pair)) }
        }
    }

    fn row(&self, n: usize, run: &Run) -> Markup {
        let pair = n.checked_sub(1).and_then(|n| self.pairs.get(n));
        let comparison = pair.and_then(|pair| pair.comparison.as_ref().ok());
        html! {
            tr {
                th.title scope="row" { a href=(url::run(run.id)) { (one_line(run.name.as_deref().unwrap_or(&run.model), 60)) }
                    span.sub { (one_line(&run.model, 60)) } }
                td.number { (score(&run.score)) }
                @if let Some(comparison) = comparison { (difference(comparison, self.widest())) }
                @else if let Some(Err(reason)) = pair.map(|pair| &pair.comparison) { td colspan="6" { (shown(reason)) } }
                @else { td.quiet colspan="6" { "the others are compared with this run" } }
                td.number { (usd(run.cost_usd)) }
                td.number { (millis(run.latency.p50_ms)) }
                td.number { (millis(run.latency.p99_ms)) }
                td.number { (count(run.usage.completion_tokens)) }
            }
        }
    }

    /// Returns the largest bound of the intervals, so that they are drawn on one scale.
    fn widest(&self) -> f64 {
        let bounds = self.pairs.iter().filter_map(|pair| pair.comparison.as_ref().ok());
        let bounds = bounds.flat_map(|comparison| [comparison.low, comparison.high]).flatten();
        bounds.map(f64::abs).fold(0.0, f64::max)
    }

    fn changes(&self) -> Markup {
        let Some(base) = self.runs.first() else { return html! {} };
        html! {
            @for (pair, run) in self.pairs.iter().zip(self.runs.iter().skip(1)) {
                @if let Ok(comparison) = &pair.comparison {
                    section aria-label="Items that changed" {
                        h2 { "Items that changed in " (one_line(run.name.as_deref().unwrap_or(&run.model), 60)) }
                        div.columns {
                            (changed("From right to wrong, or worse", comparison, (base, run), |item| item.b < item.a))
                            (changed("From wrong to right, or better", comparison, (base, run), |item| item.b > item.a))
                        }
                    }
                }
            }
        }
    }
}

fn warnings(pair: &Pair) -> Markup {
    let warnings = pair.comparison.as_ref().map(|found| found.warnings.as_slice()).unwrap_or_default();
    html! {
        @if !warnings.is_empty() {
            div.notice role="status" { @for warning in warnings { span.reason { (shown(warning)) } } }
        }
    }
}

/// Returns the cells of a difference.
fn difference(of: &Comparison, widest: f64) -> Markup {
    let signed = |value: Option<f64>| value.map_or_else(|| NONE.to_owned(), |value| format!("{value:+.4}"));
    let test = match of.test {
        ComparisonTest::Mcnemar => "exact test of McNemar",
        ComparisonTest::PairedT => "paired t test",
    };
    html! {
        td.number { b { (signed(of.difference)) } @if let Some(stderr) = of.stderr { span.quiet { " ± " (format!("{stderr:.4}")) } } }
        td { (interval(of, widest)) span.sub { (signed(of.low)) " to " (signed(of.high)) } }
        td.number title=(test) { @if let Some(p) = of.p_value { (probability(p)) } @else { (NONE) } }
        td.number { (count(of.improved)) }
        td.number { (count(of.worsened)) }
        td.number { (count(of.items))
            @if of.only_a + of.only_b > 0 { span.sub { (count(of.only_a + of.only_b)) " of one only" } } }
    }
}

fn probability(p: f64) -> String {
    if p < 0.000_1 { "< 0.0001".to_owned() } else { format!("{p:.4}") }
}

/// Draws an interval around zero.
fn interval(of: &Comparison, widest: f64) -> Markup {
    let (Some(low), Some(high), Some(middle)) = (of.low, of.high, of.difference) else { return html! {} };
    if widest <= 0.0 {
        return html! {};
    }
    let x = |value: f64| format!("{:.1}", value / widest * 95.0);
    let class = if low > 0.0 {
        "better"
    } else if high < 0.0 {
        "worse"
    } else {
        "unclear"
    };
    html! {
        svg.interval aria-hidden="true" viewBox="-100 0 200 16" preserveAspectRatio="none" {
            line.zero x1="0" x2="0" y1="0" y2="16" {}
            line class=(class) x1=(x(low)) x2=(x(high)) y1="8" y2="8" {}
            line.middle x1=(x(middle)) x2=(x(middle)) y1="3" y2="13" {}
        }
    }
}

fn changed(
    title: &str,
    of: &Comparison,
    (base, run): (&Run, &Run),
    is_meant: fn(&ChangedItem) -> bool,
) -> Markup {
    let items: Vec<_> = of.changed.iter().filter(|item| is_meant(item)).collect();
    let to =
        |run: &Run, item: &ChangedItem| url::with_query(&url::results(run.id), [("item_id", &item.item_id)]);
    html! {
        div {
            h3 { (title) " (" (items.len()) @if items.len() > CHANGED { ", of which " (CHANGED) " are shown" } ")" }
            @if items.is_empty() { p.quiet { "None." } } @else {
                table.small {
                    thead { tr { th scope="col" { "Item" } th.number scope="col" { "Before" } th.number scope="col" { "After" } } }
                    tbody {
                        @for item in items.into_iter().take(CHANGED) {
                            tr {
                                td { (one_line(&item.item_id, 60)) }
                                td.number { a href=(to(base, item)) { (format!("{:.2}", item.a)) } }
                                td.number { a href=(to(run, item)) { (format!("{:.2}", item.b)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
