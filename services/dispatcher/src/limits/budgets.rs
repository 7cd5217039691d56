use jiff::Timestamp;
use runmill_proto::{
    ProviderId,
    api::{BudgetDay, BudgetLeft, BudgetUnit, RateLimit, nanousd},
};
use runmill_quota::budget::{self, BudgetKey, BudgetOwner};
use runmill_store::{BudgetReader, StoreError};

/// Number of billionths in a US dollar.
const NANOUSD: f64 = 1e9;

/// Returns what is left of a provider's budgets of the day.
pub async fn budgets(
    store: &(impl BudgetReader + ?Sized),
    id: ProviderId,
    limits: &RateLimit,
    now: Timestamp,
) -> Result<Vec<BudgetLeft>, StoreError> {
    let day = BudgetDay::at(now, &limits.zone().unwrap_or(jiff::tz::TimeZone::UTC));
    let key = |unit| BudgetKey { owner: BudgetOwner::Day(id, day.date), unit }.to_string();
    let stated = [
        (BudgetUnit::Tokens, key(budget::BudgetUnit::Tokens), limits.tokens_per_day, 1.0),
        (BudgetUnit::Usd, key(budget::BudgetUnit::Nanousd), limits.cost_per_day_usd.map(nanousd), NANOUSD),
    ];
    let taken = store.taken(&stated.each_ref().map(|(_, key, ..)| key.clone())).await?;
    #[expect(clippy::cast_precision_loss, reason = "a limit is below 2^53, or a sum of money that is shown")]
    let left = |(unit, key, limit, scale): (BudgetUnit, String, Option<u64>, f64)| {
        let limit = limit?;
        let left = limit.saturating_sub(taken.get(&key).copied().unwrap_or(0));
        let (limit, left) = (limit as f64 / scale, left as f64 / scale);
        Some(BudgetLeft { unit, limit, left, refills_at: day.ends_at })
    };
    Ok(stated.into_iter().filter_map(left).collect())
}
