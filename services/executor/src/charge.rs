//! Budgets on which a call draws: that of the run to which it is charged, that of a token, and that of its provider's day.
//! The token of a job is the one that submitted its run; that of a client's call is the client's.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use runmill_llm::{CallBudgets, Invoked, ModelError, Unanswered};
use runmill_proto::{
    RunId,
    api::{BudgetUse, WhenUsedUp},
    usd,
};
use runmill_quota::budget::{BudgetKey, BudgetOwner, BudgetUnit, Draw, Purses, UsedUp};
use runmill_store::TokenBudget;

use crate::environment::{Callee, DayBudget, Environment, RunBudget, Spender};

/// Time after which a run whose token's budget is used up looks again. A raised budget resumes it earlier.
const TOKEN_WAIT: Duration = Duration::from_hours(1);

/// The run to which a call is charged, and the token that pays.
#[derive(Clone, Copy)]
pub struct Charge<'a> {
    pub callee: &'a Callee<'a>,
    pub run_id: RunId,
    pub spender: Spender,
    pub model: &'a str,
}

impl CallBudgets for Charge<'_> {
    fn purses(&self) -> &Arc<Purses> {
        self.callee.purses()
    }

    fn draws(&self, tokens: u64) -> Vec<Draw> {
        let mut draws = Vec::new();
        if let Some(budget) = self.callee.run_budget(self.run_id) {
            draws.extend(own_draws(&budget, BudgetOwner::Run(budget.owner), tokens));
        }
        if let Some(of) = self.callee.token_budget(self.spender) {
            // The store knows all that was used, and forgets none of it.
            let (owner, used) = (self.run_id, BudgetUse::default());
            let budget = RunBudget { owner, budget: of.budget, used };
            draws.extend(own_draws(&budget, BudgetOwner::Token(of.token_id), tokens));
        }
        if let Some(day) = self.callee.day_budget() {
            draws.extend(day_draws(&day, self.callee.now(), tokens));
        }
        draws
    }

    fn used_up(&self, used_up: &UsedUp) -> ModelError {
        let now = self.callee.now();
        let (message, after) = match used_up.key.owner {
            BudgetOwner::Run(_) => (of_run(used_up, self.model), None),
            BudgetOwner::Token(_) => (self.of_token(used_up), Some(TOKEN_WAIT)),
            BudgetOwner::Day(..) => match self.callee.day_budget() {
                Some(day) => (of_day(used_up, &day, now), Some(day.rest(now))),
                // It was removed meanwhile.
                None => ("the budget of the provider's day was used up".to_owned(), Some(Duration::ZERO)),
            },
        };
        ModelError::BudgetUsedUp { message, after }
    }
}

impl Charge<'_> {
    fn of_token(&self, used_up: &UsedUp) -> String {
        let token = self.callee.token_budget(self.spender).map(|of| of.token.clone()).unwrap_or_default();
        let (amount, field) = (amount(used_up), field(used_up.key.unit));
        match self.spender {
            Spender::OfRun(_) => format!(
                "the budget of {amount} of the token `{token}`, which submitted the run, is used up: raise budget.{field} \
                 of the token, and it goes on"
            ),
            Spender::OfClient(_) => format!(
                "the budget of {amount} of the token `{token}` is used up: raise budget.{field} of the token"
            ),
        }
    }
}

fn own_draws(run: &RunBudget, owner: BudgetOwner, tokens: u64) -> impl Iterator<Item = Draw> {
    let RunBudget { budget, used, .. } = run;
    let draws = [
        (BudgetUnit::Calls, budget.calls, used.calls, Some(1)),
        (BudgetUnit::Tokens, budget.tokens, used.tokens, Some(tokens)),
        (BudgetUnit::Nanousd, budget.cost_nanousd(), used.nanousd, None),
    ];
    draws.into_iter().filter_map(move |(unit, limit, used_before, estimate)| {
        Some(Draw { key: BudgetKey { owner, unit }, limit: limit?, used_before, estimate })
    })
}

fn day_draws(day: &DayBudget, now: Timestamp, tokens: u64) -> impl Iterator<Item = Draw> {
    let owner = BudgetOwner::Day(day.provider_id, day.day(now));
    let draws = [(BudgetUnit::Tokens, day.tokens, Some(tokens)), (BudgetUnit::Nanousd, day.nanousd, None)];
    draws.into_iter().filter_map(move |(unit, limit, estimate)| {
        Some(Draw { key: BudgetKey { owner, unit }, limit: limit?, used_before: 0, estimate })
    })
}

fn of_run(used_up: &UsedUp, model: &str) -> String {
    let (amount, field) = (amount(used_up), field(used_up.key.unit));
    if used_up.is_unknown {
        return format!(
            "the run's budget of {amount} cannot be kept, because the cost of a call of `{model}` is not known: give the \
             model a price (RUNMILL_PRICES), or use a budget of tokens or calls"
        );
    }
    format!("the run's budget of {amount} is used up: raise budget.{field} of the run, and it goes on")
}

fn of_day(used_up: &UsedUp, day: &DayBudget, now: Timestamp) -> String {
    let setting = match used_up.key.unit {
        BudgetUnit::Calls | BudgetUnit::Tokens => "tokens_per_day",
        BudgetUnit::Nanousd => "cost_per_day_usd",
    };
    format!(
        "provider {} has used up its {} of {}: the run goes on at 00:00, or when rate_limit.{setting} is raised",
        day.provider,
        amount(used_up),
        day.day_name(now)
    )
}

const fn field(unit: BudgetUnit) -> &'static str {
    match unit {
        BudgetUnit::Calls => "calls",
        BudgetUnit::Tokens => "tokens",
        BudgetUnit::Nanousd => "cost_usd",
    }
}

/// Returns the size of a budget with its unit.
fn amount(used_up: &UsedUp) -> String {
    let limit = used_up.limit;
    match used_up.key.unit {
        BudgetUnit::Calls => format!("{limit} calls"),
        BudgetUnit::Tokens => format!("{limit} tokens"),
        // Budgets below a cent have more digits.
        BudgetUnit::Nanousd if limit.is_multiple_of(10_000_000) => format!("{:.2} USD", dollars(limit)),
        BudgetUnit::Nanousd => format!("{} USD", dollars(limit)),
    }
}

fn dollars(nanousd: u64) -> f64 {
    usd(i64::try_from(nanousd).unwrap_or(i64::MAX))
}

/// Budgets of a run and of a token, as they were when a call began.
pub struct Budgets {
    run_id: RunId,
    spender: Spender,
    pub run: Option<RunBudget>,
    token: Option<Arc<TokenBudget>>,
}

impl Budgets {
    pub fn of(Charge { callee, run_id, spender, .. }: Charge<'_>) -> Self {
        Self { run_id, spender, run: callee.run_budget(run_id), token: callee.token_budget(spender) }
    }

    /// Checks a call that the budget of its run or of a token has stopped. If one has changed since, it is called again.
    pub async fn recheck(&self, environment: &Environment, mut invoked: Invoked) -> Invoked {
        if let Err(Unanswered::LaneStopped { error, .. }) = &invoked.result
            && matches!(error, ModelError::BudgetUsedUp { .. })
        {
            let budget = |run: Option<RunBudget>| run.map(|run| run.budget);
            let (run, token) = environment.newest_budgets(self.run_id, self.spender).await;
            if budget(run) != budget(self.run) || token != self.token {
                invoked.result = Err(Unanswered::Deferred { after: Duration::ZERO, error: error.clone() });
            }
        }
        invoked
    }
}

/// Checks a call after which the lane would stop. If the provider's settings have changed since it began, the lane
/// goes on, to use the new settings.
pub async fn recheck_settings(mut invoked: Invoked, callee: &Callee<'_>) -> Invoked {
    if let Err(Unanswered::LaneStopped { error, .. }) = &invoked.result
        && callee.has_changed().await
    {
        invoked.result = Err(Unanswered::Deferred { after: Duration::ZERO, error: error.clone() });
    }
    invoked
}

/// Returns true if the job ends because the budget of its run is used up, as its user asked.
pub fn stops(invoked: &Invoked, run: Option<RunBudget>) -> bool {
    let is_used_up = matches!(
        &invoked.result,
        Err(Unanswered::LaneStopped { error: ModelError::BudgetUsedUp { after: None, .. }, .. })
    );
    is_used_up && run.is_some_and(|run| run.budget.when_used_up == WhenUsedUp::Stop)
}

#[cfg(test)]
mod tests {
    use runmill_proto::RunId;
    use uuid::Uuid;

    use super::*;

    fn told(unit: BudgetUnit, limit: u64) -> String {
        let key = BudgetKey { owner: BudgetOwner::Run(RunId::from_uuid(Uuid::nil())), unit };
        of_run(&UsedUp { key, limit, is_unknown: false }, "m")
    }

    #[test]
    fn the_reason_names_the_budget_and_what_to_do() {
        let table = [
            (BudgetUnit::Calls, 200, "200 calls", "budget.calls"),
            (BudgetUnit::Nanousd, 5_000_000_000, "5.00 USD", "budget.cost_usd"),
            (BudgetUnit::Nanousd, 1_500, "0.0000015 USD", "budget.cost_usd"),
        ];
        for (unit, limit, amount, field) in table {
            let want =
                format!("the run's budget of {amount} is used up: raise {field} of the run, and it goes on");
            assert_eq!(told(unit, limit), want);
        }
    }
}
