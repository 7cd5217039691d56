mod filter;

use jiff::Timestamp;
use maud::{Markup, html};
use runmill_proto::api::Run;

pub use filter::{RunsFilter, State};

use crate::{
    layout::{Live, Page, Place},
    number::{NONE, ago, count, float, millis, percent, rate, score, seconds, share, usd},
    status, steering,
    text::{one_line, plain, shown},
    url,
    viewer::Viewer,
};

/// All runs that the viewer sees, newest first.
pub struct RunsPage<'a> {
    pub viewer: &'a Viewer,
    pub runs: &'a [RunLine],
    pub filter: &'a RunsFilter,
    /// Cursor of the next page.
    pub older: Option<String>,
    pub now: Timestamp,
}

/// A run with what its row does not have.
pub struct RunLine {
    pub run: Run,
    /// Name of its provider. `None` if that was deleted.
    pub provider: Option<String>,
    /// Number of jobs that settle each second at the moment. `None` if it is not known.
    pub per_second: Option<f64>,
}

impl RunsPage<'_> {
    pub fn page(&self) -> Page {
        let here = self.filter.url(&self.filter.after);
        let body = html! {
            div.head {
                h1 { "Runs" }
                @if self.viewer.may_steer() { a.button.main href=(url::NEW_RUN) { "New run" } }
            }
            div.tools {
                (self.filter_form())
                form #compare method="get" action=(url::COMPARE) { button type="submit" { "Compare selected" } }
            }
            section #runs aria-label="Runs" data-region {
                @if self.runs.is_empty() { (self.nothing()) } @else { (self.table(&here)) }
                (self.pager())
            }
        };
        Page {
            title: "Runs".to_owned(),
            place: Place::Runs,
            live: Some(Live::runs(here)),
            modules: &[],
            body,
        }
    }

    fn filter_form(&self) -> Markup {
        html! {
            form.filter role="search" method="get" action=(url::RUNS) data-submit-on-change {
                label { span { "Search" }
                    input type="search" name="q" value=(self.filter.text) placeholder="name, model, provider or id"; }
                label { span { "State" }
                    select name="state" {
                        @for state in State::ALL {
                            option value=(state) selected[state == self.filter.state] { (state.label()) }
                        }
                    } }
                button type="submit" { "Filter" }
                @if !self.filter.is_empty() { a href=(url::RUNS) { "Clear" } }
            }
        }
    }

    fn nothing(&self) -> Markup {
        html! {
            p.empty {
                @if !self.filter.is_empty() { "No run matches. " a href=(url::RUNS) { "Show all" } }
                @else if self.viewer.may_steer() { "There is no run yet. " a href=(url::NEW_RUN) { "Start one" } }
                @else { "There is no run yet." }
            }
        }
    }

    fn pager(&self) -> Markup {
        html! {
            @if self.older.is_some() || !self.filter.after.is_empty() {
                nav.pager aria-label="Pages of runs" {
                    @if !self.filter.after.is_empty() { a href=(self.filter.url("")) { "Newest" } }
                    @if let Some(older) = &self.older { a rel="next" href=(self.filter.url(older)) { "Older" } }
                }
            }
        }
    }

    fn table(&self, here: &str) -> Markup {
        html! {
            div.scroll tabindex="0" role="group" aria-label="Table of runs" {
                table.cards {
                    thead { tr {
                        th scope="col" { span.hidden { "Select" } }
                        th scope="col" { "Run" }
                        th scope="col" { "Status" }
                        th scope="col" { "Progress" }
                        th.number scope="col" { "Rate" }
                        th.number scope="col" { "Score" }
                        th.number scope="col" { "Cost" }
                        th.number scope="col" title="median and 99th percentile of the calls" { "Latency" }
                        th.number scope="col" { "Submitted" }
                        @if self.viewer.may_steer() { th scope="col" { span.hidden { "Actions" } } }
                    } }
                    tbody { @for line in self.runs { (self.row(line, here)) } }
                }
            }
        }
    }

    fn row(&self, line: &RunLine, here: &str) -> Markup {
        let run = &line.run;
        let name = run.name.as_deref().unwrap_or(&run.model);
        html! {
            tr id=(run.id) {
                td.select { input type="checkbox" name="run" value=(run.id) form="compare"
                    aria-label=(plain(&format!("Select {name} for a comparison"))); }
                td.title {
                    a href=(url::run(run.id)) { (one_line(name, 80)) }
                    span.sub {
                        @if let Some(kind) = status::kind(run) { (kind) " · " }
                        @if run.name.is_some() { (one_line(&run.model, 60)) " · " }
                        @if let Some(provider) = &line.provider { (one_line(provider, 40)) } @else { "deleted provider" }
                    }
                    (status::reasons(run))
                }
                td { (status::pill(run)) }
                td.wide { (progress(run)) }
                td.number data-label="Rate" { (pace(line, self.now)) }
                td.number data-label="Score" { (scored(run)) }
                td.number data-label="Cost" { (cost(run)) }
                td.number data-label="Latency" { (latency(run)) }
                td.number data-label="Submitted" { (ago(run.created_at, self.now)) }
                @if self.viewer.may_steer() { td.steer { (steering::buttons(run, self.viewer, here)) } }
            }
        }
    }
}

fn progress(run: &Run) -> Markup {
    let counters = &run.counters;
    html! {
        (status::bar(run))
        span.sub {
            (count(counters.settled)) " of " (count(counters.total))
            @if counters.failed > 0 { " · " span.bad { (count(counters.failed)) " failed" } }
        }
    }
}

/// Returns the rate and the time that is left, or the time that it took.
fn pace(line: &RunLine, now: Timestamp) -> Markup {
    let run = &line.run;
    let took = status::elapsed(run, now).filter(|took| *took > 0.0);
    html! {
        @if run.status.is_terminal() {
            @if let Some(took) = took {
                (rate(float(run.counters.settled) / took, "items"))
                span.sub { "in " (seconds(took)) }
            } @else { (NONE) }
        } @else {
            @if let Some(now) = line.per_second { (rate(now, "items")) } @else { (NONE) }
            @if let Some(left) = status::remaining(run, line.per_second) { span.sub { (seconds(left)) " left" } }
        }
    }
}

fn scored(run: &Run) -> Markup {
    html! {
        (score(&run.score))
        @if run.score.mean.is_some() { span.sub { (percent(run.score.coverage)) " covered" } }
    }
}

fn cost(run: &Run) -> Markup {
    let budget = crate::run::budget_usd(run);
    html! {
        (usd(run.cost_usd))
        @if let Some(budget) = budget {
            span.sub { (percent(run.cost_usd.unwrap_or_default() / budget)) " of " (usd(Some(budget))) }
        }
    }
}

fn latency(run: &Run) -> Markup {
    html! {
        (millis(run.latency.p50_ms))
        @if let Some(p99) = run.latency.p99_ms { span.sub { (millis(Some(p99))) } }
    }
}

/// Short list of runs with a box for each, from which those are selected that are compared.
pub fn choices(runs: &[RunLine], selected: &[runmill_proto::RunId]) -> Markup {
    html! {
        ul.choices {
            @for line in runs {
                @let run = &line.run;
                li { label {
                    input type="checkbox" name="run" value=(run.id) checked[selected.contains(&run.id)];
                    span { (one_line(run.name.as_deref().unwrap_or(&run.model), 60)) }
                    span.sub { (shown(&run.model)) " · " (score(&run.score)) " · "
                        (percent(share(run.counters.settled, run.counters.total))) " settled" }
                } }
            }
        }
    }
}
