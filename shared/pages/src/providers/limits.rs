use maud::{Markup, html};
use runmill_proto::{
    api::{BudgetLeft, BudgetUnit, LimitUse},
    lease::Resource,
};

use crate::number::{NONE, decimal, percent, time, usd};

pub fn limit_row(limit: &LimitUse) -> Markup {
    let used = limit.in_flight.map_or(limit.granted.min(limit.wanted), f64::from);
    let source = match (limit.stated, limit.adaptive) {
        (Some(_), _) => "stated",
        (None, Some(_)) => "found",
        (None, None) => "not known yet",
    };
    html! {
        tr {
            th scope="row" { (unit(limit.resource)) span.sub { (source) } }
            td.number { (limit.limit().map_or_else(|| NONE.to_owned(), decimal)) }
            td { (meter(used, limit.limit())) }
            td.number { @if let Some(in_flight) = limit.in_flight { (in_flight) } @else { (NONE) } }
            td.number { (decimal(limit.granted)) @if limit.withheld > 0.0 { span.sub { (decimal(limit.withheld)) " withheld" } } }
            td.number { (decimal(limit.wanted)) }
        }
    }
}

const fn unit(resource: Resource) -> &'static str {
    match resource {
        Resource::Concurrency => "calls in flight",
        Resource::CallsPerMinute => "calls per minute",
        Resource::CallsPerSecond => "calls per second",
        Resource::TokensPerMinute => "tokens per minute",
    }
}

pub fn budgets(budgets: &[BudgetLeft]) -> Markup {
    html! {
        h3 { "Budgets of the day" }
        div.scroll tabindex="0" role="group" aria-label="Budgets of the day" { table.small {
            thead { tr { th scope="col" { "Budget" } th.number scope="col" { "Limit" } th.wide scope="col" { "Used" }
                th.number scope="col" { "Left" } th scope="col" { "Refills" } } }
            tbody {
                @for budget in budgets {
                    tr {
                        th scope="row" { (budget.unit) }
                        td.number { (amount(budget, budget.limit)) }
                        td { (meter(budget.limit - budget.left, Some(budget.limit))) }
                        td.number { (amount(budget, budget.left)) }
                        td { (time(budget.refills_at)) }
                    }
                }
            }
        } }
    }
}

fn amount(budget: &BudgetLeft, number: f64) -> String {
    if budget.unit == BudgetUnit::Usd { usd(Some(number)) } else { decimal(number) }
}

/// Draws the use of a limit.
pub fn meter(used: f64, limit: Option<f64>) -> Markup {
    let Some(limit) = limit.filter(|limit| *limit > 0.0) else { return html! {} };
    let share = (used / limit).clamp(0.0, 1.0);
    html! {
        svg.progress role="img" aria-label=(format!("{} used", percent(share))) viewBox="0 0 100 1" preserveAspectRatio="none" {
            rect.track width="100" height="1" {}
            rect.used width=(format!("{:.1}", share * 100.0)) height="1" {}
        }
    }
}
