mod configuration;
mod courses;
mod faults;
mod figures;

use jiff::Timestamp;
use maud::{Markup, html};
use runmill_proto::api::{Budget, Run, RunSeries};

pub use configuration::pretty;
pub use courses::words;

use crate::{
    layout::{Live, Page, Place},
    number::time,
    status, steering,
    text::{cut, one_line, shown},
    url,
    viewer::Viewer,
};

/// Head of all pages of one run.
pub struct RunHead<'a> {
    pub viewer: &'a Viewer,
    pub run: &'a Run,
    /// Name of the provider. `None` if it was deleted.
    pub provider: Option<&'a str>,
    /// Name of the dataset. `None` if it was deleted.
    pub dataset: Option<&'a str>,
}

/// Overview of a run: its figures, charts, faults and configuration.
pub struct RunPage<'a> {
    pub head: RunHead<'a>,
    pub series: &'a RunSeries,
    /// Number of jobs that settle each second at the moment. `None` if it is not known.
    pub per_second: Option<f64>,
    /// Limit of the calls in flight that holds for the run, if there is one.
    pub limit: Option<f64>,
    pub now: Timestamp,
}

/// Pages of one run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    Overview,
    Results,
    Log,
}

/// Returns the limit of a run's cost, if it has one.
pub fn budget_usd(run: &Run) -> Option<f64> {
    run.budget.as_ref().and_then(Budget::stored).and_then(|budget| budget.cost_usd)
}

impl RunHead<'_> {
    /// Returns the name by which the run is called.
    pub fn name(&self) -> &str {
        self.run.name.as_deref().unwrap_or(&self.run.model)
    }

    /// Puts a page of the run together. Its regions are updated while the run is live.
    pub fn page(&self, tab: Tab, modules: &'static [&'static str], content: &Markup) -> Page {
        let overview = url::run(self.run.id);
        let live = status::is_live(self.run).then(|| Live::run(overview, self.run.id));
        Page {
            title: cut(self.name(), 60),
            place: Place::Runs,
            live,
            modules,
            body: html! { (self.head(tab)) (content) },
        }
    }

    fn head(&self, tab: Tab) -> Markup {
        let run = self.run;
        html! {
            nav.crumbs aria-label="Breadcrumb" { a href=(url::RUNS) { "Runs" } }
            div.head #head data-region {
                h1 { (one_line(self.name(), 120)) " " (status::pill(run)) }
                (steering::buttons(run, self.viewer, &url::run(run.id)))
            }
            p.facts {
                span { code { (run.id) } }
                @if let Some(kind) = status::kind(run) { span { (kind) } }
                span { (one_line(&run.model, 80)) " at " (one_line(self.provider.unwrap_or("a deleted provider"), 60)) }
                span { "dataset " (one_line(self.dataset.unwrap_or("deleted"), 80)) }
                span { "submitted " (time(run.created_at)) }
                a href=(url::with_query(url::COMPARE, [("run", run.id)])) { "Compare" }
            }
            div #reasons data-region { (self.reasons()) }
            nav.tabs aria-label="Pages of this run" {
                @for (of, href, name) in [
                    (Tab::Overview, url::run(run.id), "Overview"),
                    (Tab::Results, url::results(run.id), "Results"),
                    (Tab::Log, url::log(run.id), "Log"),
                ] { a href=(href) aria-current=[(of == tab).then_some("page")] { (name) } }
            }
        }
    }

    fn reasons(&self) -> Markup {
        let run = self.run;
        let outcome = run.lighteval.as_ref().and_then(|outcome| outcome.reason.as_deref());
        html! {
            @let reasons = status::reasons(run);
            @if !reasons.0.is_empty() { div.notice role="status" { (reasons) } }
            @if let Some(reason) = outcome { div.notice role="status" { "LightEval: " (shown(reason)) } }
        }
    }
}

impl RunPage<'_> {
    pub fn page(&self) -> Page {
        let run = self.head.run;
        let content = html! {
            section #figures aria-label="Figures" data-region { (figures::figures(self)) }
            section aria-labelledby="course" {
                h2 #course { "Course" }
                div.charts #charts data-region { (courses::charts(self)) }
            }
            div.columns {
                section #faults aria-label="Outcomes and errors" data-region { (faults::faults(run)) }
                section aria-labelledby="configuration" {
                    h2 #configuration { "Configuration" }
                    (configuration::configuration(run))
                }
            }
        };
        self.head.page(Tab::Overview, &["hover.js"], &content)
    }
}
