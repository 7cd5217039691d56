mod limits;

use jiff::Timestamp;
use maud::{Markup, html};
use runmill_proto::{
    ProviderId,
    api::{ExecutorLane, ExecutorStatus, Provider, ProviderLimits, ScopeLimits},
};

use limits::{budgets, limit_row, meter};

use crate::{
    layout::{Live, Page, Place},
    number::{ago, count, decimal, time},
    text::{one_line, plain, shown},
    url,
    viewer::Viewer,
};

/// Number of changes of a limit that are shown.
const CHANGES: usize = 5;

/// Providers with their limits, and the executors.
pub struct ProvidersPage<'a> {
    pub viewer: &'a Viewer,
    pub providers: &'a [ProviderView],
    /// Executors that are alive, with what the viewer may see of them.
    pub executors: &'a [ExecutorStatus],
    pub now: Timestamp,
}

/// A provider with the use of its limits.
pub struct ProviderView {
    pub provider: Provider,
    /// `None` for a shared provider of another tenant, whose use the viewer does not see.
    pub limits: Option<ProviderLimits>,
}

impl ProvidersPage<'_> {
    pub fn page(&self) -> Page {
        let body = html! {
            div.head { h1 { "Providers and lanes" } }
            div #providers data-region {
                @if self.providers.is_empty() { p.empty { "There is no provider." } }
                @for view in self.providers { (self.provider(view)) }
                section aria-labelledby="executors" { h2 #executors { "Executors" } (self.executors()) }
            }
        };
        Page {
            title: "Providers".to_owned(),
            place: Place::Providers,
            live: Some(Live::regular(url::PROVIDERS.to_owned())),
            modules: &[],
            body,
        }
    }

    fn provider(&self, view: &ProviderView) -> Markup {
        let provider = &view.provider;
        let id = format!("name-{}", provider.id);
        html! {
            section.card.provider aria-labelledby=(id) {
                header {
                    h2 id=(id) { (one_line(&provider.name, 80)) }
                    span.quiet { (provider.kind) " · " (provider.protocol) }
                    code { (one_line(&provider.base_url, 120)) }
                    @if provider.shared { span.pill { "shared" } }
                }
                @if let Some(limits) = &view.limits { (self.limits(limits)) }
                @else { p.quiet { "Shared by another tenant, which sees its limits and keys." } }
                (self.keys(provider))
            }
        }
    }

    fn limits(&self, limits: &ProviderLimits) -> Markup {
        html! {
            (self.scope("All models", &limits.account))
            @for (model, scope) in &limits.models { (self.scope(model, scope)) }
            @if !limits.budgets.is_empty() { (budgets(&limits.budgets)) }
        }
    }

    fn scope(&self, name: &str, scope: &ScopeLimits) -> Markup {
        html! {
            h3 { (one_line(name, 80)) @if scope.waiting > 0 { span.quiet { " · " (count(u64::from(scope.waiting))) " calls wait" } } }
            @if let Some(cooldown) = &scope.cooldown {
                div.notice role="status" { "Cooldown until " (time(cooldown.until)) ": " (one_line(&cooldown.reason, 240)) }
            }
            div.scroll tabindex="0" role="group" aria-label=(plain(&format!("Limits of {name}"))) {
                table.small {
                    thead { tr {
                        th scope="col" { "Limit" } th.number scope="col" { "Value" } th.wide scope="col" { "Use" }
                        th.number scope="col" { "In flight" } th.number scope="col" { "Granted" }
                        th.number scope="col" { "Wanted" }
                    } }
                    tbody { @for limit in &scope.limits { (limit_row(limit)) } }
                }
            }
            @if !scope.changes.is_empty() {
                details {
                    summary { "Newest changes of the limit that executors found" }
                    ul.labelled {
                        @for change in scope.changes.iter().rev().take(CHANGES) {
                            li { (ago(change.at, self.now)) ": " (change.concurrency) " calls"
                                @if let Some(rate) = change.calls_per_second { ", " (decimal(rate)) " calls/s" }
                                ", " (one_line(&change.reason, 160)) }
                        }
                    }
                }
            }
        }
    }

    /// Returns the keys of a provider, and what the executors say of them.
    fn keys(&self, provider: &Provider) -> Markup {
        html! {
            @if provider.api_keys.is_empty() { p.quiet { "No API key is stored." } } @else {
                div.scroll tabindex="0" role="group" aria-label="API keys" {
                    table.small {
                        thead { tr { th scope="col" { "Key" } th scope="col" { "Value" } th.number scope="col" { "Weight" }
                            th.number scope="col" { "In flight" } th scope="col" { "State" } } }
                        tbody {
                            @for key in &provider.api_keys {
                                @let (in_flight, faults) = self.key(provider.id, &key.label);
                                tr {
                                    td { (one_line(&key.label, 60)) }
                                    td { code { (shown(&key.masked)) } }
                                    td.number { (key.weight) }
                                    td.number { (count(in_flight)) }
                                    td {
                                        @if faults.is_empty() { span.pill data-status="completed" { "in use" } }
                                        @else { span.pill data-status="failed" { "set aside" } }
                                        @for fault in faults { span.reason { (one_line(&fault, 240)) } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// Returns the calls in flight with a key, and the reasons why executors do not use it.
    fn key(&self, provider: ProviderId, label: &str) -> (u64, Vec<String>) {
        let keys = self.lanes(provider).flat_map(|(_, lane)| &lane.keys).filter(|key| key.label == label);
        let (mut in_flight, mut faults) = (0, Vec::new());
        for key in keys {
            in_flight += u64::from(key.in_flight);
            faults.extend(key.set_aside.clone().filter(|reason| !faults.contains(reason)));
        }
        (in_flight, faults)
    }

    fn lanes(&self, provider: ProviderId) -> impl Iterator<Item = (&ExecutorStatus, &ExecutorLane)> {
        let lanes = self
            .executors
            .iter()
            .flat_map(|executor| executor.lanes.iter().map(move |lane| (executor, lane)));
        lanes.filter(move |(_, lane)| lane.provider_id == provider)
    }

    fn executors(&self) -> Markup {
        html! {
            @if self.executors.is_empty() { p.empty { "No executor is alive: no call is made." } } @else {
                div.scroll tabindex="0" role="group" aria-label="Executors" {
                    table {
                        thead { tr { th scope="col" { "Executor" } th scope="col" { "Version" } th scope="col" { "Started" }
                            th scope="col" { "State" } th.wide scope="col" { "Lanes" } th.number scope="col" { "Jobs in hand" } } }
                        tbody { @for executor in self.executors { (self.executor(executor)) } }
                    }
                }
            }
        }
    }

    fn executor(&self, executor: &ExecutorStatus) -> Markup {
        let jobs = executor.runs.iter().map(|run| u64::from(run.jobs)).sum();
        html! {
            tr {
                th scope="row" { code { (one_line(&executor.name, 80)) } }
                td { (one_line(&executor.version, 20)) @if executor.lighteval { span.sub { "LightEval" } } }
                td { (ago(executor.started_at, self.now)) }
                td { @if executor.draining { span.pill data-status="paused" { "draining" } } @else { span.pill data-status="running" { "alive" } } }
                td {
                    @if executor.lanes.is_empty() { span.quiet { "none" } }
                    @for lane in &executor.lanes { (self.lane(lane)) }
                }
                td.number { (count(jobs)) }
            }
        }
    }

    fn lane(&self, lane: &ExecutorLane) -> Markup {
        let provider = self.providers.iter().find(|view| view.provider.id == lane.provider_id);
        html! {
            div.lane {
                span { @if let Some(view) = provider { (one_line(&view.provider.name, 60)) } @else { code { (lane.provider_id) } } }
                (meter(f64::from(lane.in_flight), Some(f64::from(lane.concurrency))))
                span.number { (lane.in_flight) " of " (lane.concurrency) }
            }
            @if let Some(fault) = &lane.fault { span.reason { (one_line(fault, 240)) } }
        }
    }
}
