use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use runmill_proto::{
    ProviderId, RunId,
    api::{Budget, BudgetDay, BudgetUse, RateLimit, nanousd},
};
use runmill_quota::budget::Purses;
use runmill_store::{Exchanged, ProviderRow, RunRow};
use tokio::{sync::Mutex, time::Instant};

/// Age of the last heartbeat up to which another executor is taken for alive.
const ALIVE_FOR: SignedDuration = SignedDuration::from_secs(6);

/// Slices of budgets, and the number of executors that share the budgets.
pub struct Budgets {
    pub purses: Arc<Purses>,
    executors: AtomicU64,
    /// Time of the last query of the runs because a budget was used up.
    pub(super) checked: Mutex<Option<Instant>>,
}

impl Default for Budgets {
    fn default() -> Self {
        Self { purses: Arc::default(), executors: AtomicU64::new(1), checked: Mutex::default() }
    }
}

impl Budgets {
    pub fn executors(&self) -> u64 {
        self.executors.load(Ordering::Relaxed)
    }

    pub fn hear(&self, exchanged: &Exchanged) {
        let since = exchanged.now - ALIVE_FOR;
        let others = exchanged.peers.iter().filter(|peer| peer.seen_at >= since).count();
        self.executors.store(others as u64 + 1, Ordering::Relaxed);
    }
}

/// Budget of a run, and what its recorded calls have used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RunBudget {
    /// Run whose budget it is: the run itself, or the one whose answers it judges.
    pub owner: RunId,
    pub budget: Budget,
    pub used: BudgetUse,
}

impl RunBudget {
    /// Returns the budget of the run, if it has one.
    pub fn of(run: &RunRow) -> Option<Self> {
        Some(Self { owner: run.id, budget: run.submission.budget()?, used: run.used() })
    }
}

/// Budget of each day of a provider.
#[derive(Clone, Debug)]
pub struct DayBudget {
    pub provider_id: ProviderId,
    pub provider: String,
    pub tokens: Option<u64>,
    /// Billionths of a US dollar.
    pub nanousd: Option<u64>,
    zone: TimeZone,
}

impl DayBudget {
    pub fn of(row: &ProviderRow) -> Option<Self> {
        let RateLimit { tokens_per_day, cost_per_day_usd, .. } = row.rate_limit;
        if tokens_per_day.is_none() && cost_per_day_usd.is_none() {
            return None;
        }
        let zone = row.rate_limit.zone().unwrap_or_else(|fault| {
            tracing::warn!(event = "executor.time_zone_unknown", provider_id = %row.id, %fault, "its day is that of UTC");
            TimeZone::UTC
        });
        Some(Self {
            provider_id: row.id,
            provider: row.name.clone(),
            tokens: tokens_per_day,
            nanousd: cost_per_day_usd.map(nanousd),
            zone,
        })
    }

    pub fn day(&self, now: Timestamp) -> Date {
        BudgetDay::at(now, &self.zone).date
    }

    /// Returns the time until the day ends.
    pub fn rest(&self, now: Timestamp) -> Duration {
        let rest = BudgetDay::at(now, &self.zone).ends_at.duration_since(now);
        Duration::try_from(rest).unwrap_or_default()
    }

    /// Returns the day with its time zone, as users read it.
    pub fn day_name(&self, now: Timestamp) -> String {
        format!("{} ({})", self.day(now), self.zone.iana_name().unwrap_or("UTC"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin() -> DayBudget {
        let zone =
            RateLimit { time_zone: Some("Europe/Berlin".into()), ..RateLimit::default() }.zone().unwrap();
        let provider_id = ProviderId::from_uuid(uuid::Uuid::nil());
        DayBudget { provider_id, provider: "x".into(), tokens: Some(1), nanousd: None, zone }
    }

    #[test]
    fn a_day_is_that_of_its_time_zone_and_may_have_another_length() {
        let budget = berlin();
        let table = [
            ("2026-11-29T22:59:00Z", "2026-11-29", 60),
            ("2026-11-29T23:00:00Z", "2026-11-30", 24 * 3600),
            ("2026-03-28T23:00:00Z", "2026-03-29", 23 * 3600),
            ("2026-10-24T22:00:00Z", "2026-10-25", 25 * 3600),
        ];
        for (now, day, rest) in table {
            let now: Timestamp = now.parse().unwrap();
            assert_eq!((budget.day(now).to_string().as_str(), budget.rest(now).as_secs()), (day, rest));
        }
        let now = "2026-11-29T23:00:00Z".parse().unwrap();
        assert_eq!(budget.day_name(now), "2026-11-30 (Europe/Berlin)");
    }
}
