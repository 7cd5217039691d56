use std::collections::BTreeMap;

use jiff::Timestamp;
use ratatui::style::{Color, Style};
use runmill_proto::{
    api::{LimitUse, ScopeLimits},
    lease::Resource,
};

use super::{
    rates::Rates,
    snapshot::{Lane, Snapshot},
    table::{TextRow, TextTable},
};
use crate::run::limit;

const COLUMNS: &[(&str, u16)] = &[
    ("provider", 20),
    ("in flight", 9),
    ("granted", 7),
    ("limit", 7),
    ("waiting", 7),
    ("calls/s", 7),
    ("429s", 6),
    ("state", 0),
];

/// Returns a line for each provider, and one below it for each model with limits of its own.
pub fn table(snapshot: &Snapshot, rates: &Rates) -> TextTable {
    let rows = snapshot.lanes.iter().flat_map(|lane| match scopes(lane).next() {
        None => vec![unknown(lane)],
        Some(_) => scopes(lane).map(|scope| row(&scope, snapshot.now, rates)).collect(),
    });
    TextTable { title: "lanes", columns: COLUMNS, rows: rows.collect() }
}

/// Returns the number of answered attempts of each lane, by executor.
pub fn counts(snapshot: &Snapshot) -> Vec<(String, BTreeMap<String, u64>)> {
    let counts = |scope: Scope| {
        let answered = scope.limits.executors.iter().map(|it| (it.name.clone(), it.attempts.answered));
        (scope.key(), answered.collect())
    };
    snapshot.lanes.iter().flat_map(scopes).map(counts).collect()
}

/// Limits of an account or of a model, with the names that they have.
struct Scope<'a> {
    lane: &'a Lane,
    model: Option<&'a str>,
    limits: &'a ScopeLimits,
}

impl Scope<'_> {
    fn key(&self) -> String {
        format!("{}/{}", self.lane.provider_id, self.model.unwrap_or_default())
    }

    fn name(&self) -> String {
        self.model.map_or_else(|| self.lane.name.clone(), |model| format!("  {model}"))
    }

    fn whose(&self) -> String {
        let provider = &self.lane.name;
        self.model.map_or_else(|| format!("provider {provider}"), |model| format!("{model} at {provider}"))
    }
}

fn scopes(lane: &Lane) -> impl Iterator<Item = Scope<'_>> {
    lane.limits.iter().flat_map(move |limits| {
        let models = limits.models.iter();
        let models = models.map(move |(model, limits)| Scope { lane, model: Some(model), limits });
        std::iter::once(Scope { lane, model: None, limits: &limits.account }).chain(models)
    })
}

fn unknown(lane: &Lane) -> TextRow {
    TextRow { cells: vec![lane.name.clone()], style: Style::new() }
}

fn row(scope: &Scope, now: Timestamp, rates: &Rates) -> TextRow {
    let limits = scope.limits;
    let concurrency = limits.limit(Resource::Concurrency);
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    let refused: u64 = limits.executors.iter().map(|it| it.attempts.refused).sum();
    let rate = rates.per_second(&scope.key());
    let cells = vec![
        scope.name(),
        number(concurrency.and_then(|it| it.in_flight).map(f64::from)),
        number(concurrency.map(|it| it.granted)),
        number(concurrency.and_then(LimitUse::limit)),
        limits.waiting.to_string(),
        rate.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.1}")),
        refused.to_string(),
        state(scope, now),
    ];
    let is_cooling = limits.cooldown.as_ref().is_some_and(|it| now < it.until);
    TextRow { cells, style: if is_cooling { Style::new().fg(Color::Yellow) } else { Style::new() } }
}

/// Returns the cooldown or the limit that calls wait for, the rates and what is adaptive.
fn state(scope: &Scope, now: Timestamp) -> String {
    let cooldown = scope.limits.cooldown.as_ref().filter(|it| now < it.until).map(|cooldown| {
        let seconds = cooldown.until.duration_since(now).as_secs_f64();
        format!("cooldown for {seconds:.0} s: {}", cooldown.reason)
    });
    let waits = || limit::waits(scope.limits, &scope.whose(), now).filter(|_| scope.limits.waiting > 0);
    let limits = scope.limits.limits.iter();
    let rates = limits.clone().filter(|it| it.resource != Resource::Concurrency).filter_map(rate);
    let found = limits.filter(|it| it.adaptive.is_some()).map(|it| format!("{} is adaptive", it.resource));
    let words = cooldown.or_else(waits).into_iter().chain(rates).chain(found).chain(budgets(scope));
    words.collect::<Vec<_>>().join("; ")
}

fn rate(limit: &LimitUse) -> Option<String> {
    Some(format!("{} {:.0} of {:.0} granted", limit.resource, limit.granted, limit.limit()?))
}

fn budgets(scope: &Scope) -> impl Iterator<Item = String> {
    let budgets =
        scope.lane.limits.iter().filter(|_| scope.model.is_none()).flat_map(|limits| &limits.budgets);
    budgets.map(|budget| format!("{} of {} {} left today", budget.left, budget.limit, budget.unit))
}
