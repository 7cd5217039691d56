//! Reads the work of this moment from the store and from this process.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    num::NonZeroU32,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use runmill_proto::{
    ProviderId, RunId,
    api::{ExecutorStatus, ModelLimit, RateLimit, Settings},
    lease::{LaneState, Scope},
};
use runmill_store::{ActiveRun, DispatcherStore, FleetState, ProviderRow, RunRow, StoreError};

use super::{
    lane::{Carried, Lane, LaneLimits, UNKNOWN_CALL},
    need::Work,
    waiting::Counts,
};
use crate::feeder::{calls_per_second, new_jobs, trial_calls, trial_due_max, want};

/// Time before a deferred job is due in which it counts as work, and in which a cooldown that ends does not count.
const SOON: SignedDuration = SignedDuration::from_mins(1);
/// Maximum number of a run's deferred jobs that are counted.
const DUE_MAX: u64 = 10_000;
/// Share of the calls that take at most the time that is assumed for all.
const CALL_TIME_OF: f64 = 0.9;

/// All work, with the providers of its lanes.
pub struct Moment {
    pub work: Work,
    /// Provider of each lane of `work`, and the end of its cooldown.
    pub providers: Vec<(ProviderRow, Option<Timestamp>)>,
}

/// State that is read once for all lanes.
pub struct Sources<'a> {
    pub store: &'a dyn DispatcherStore,
    pub now: Timestamp,
    pub runs: Vec<ActiveRun>,
    pub executors: Vec<ExecutorStatus>,
    pub fleet: FleetState,
    pub workspace: Settings,
    /// Calls and requests that are open at this process.
    pub open: Counts,
    pub carried: Carried,
}

impl Sources<'_> {
    /// Reads what each lane needs in addition.
    pub async fn moment(self) -> Result<Moment, StoreError> {
        let in_hand = self.jobs_in_hand();
        let mut by_lane: BTreeMap<ProviderId, Vec<&RunRow>> = BTreeMap::new();
        for active in &self.runs {
            by_lane.entry(active.run.submission.provider_id).or_default().push(&active.run);
        }
        let (mut lanes, mut providers) = (Vec::new(), Vec::new());
        for provider_id in self.provider_ids() {
            let runs = by_lane.remove(&provider_id).unwrap_or_default();
            let provider = match self.store.provider(provider_id).await {
                Ok(provider) => provider,
                Err(StoreError::NotFound { .. }) => continue,
                Err(error) => return Err(error),
            };
            let cooldown = self.cooldown(provider_id);
            let lane = self.lane(&provider, &runs, &in_hand, cooldown).await?;
            if lane.demand() > 0 {
                lanes.push(lane);
                providers.push((provider, cooldown));
            }
        }
        let work = Work { lanes, requests: self.open.requests, carried: self.carried };
        Ok(Moment { work, providers })
    }

    /// Returns the providers that may have work.
    fn provider_ids(&self) -> BTreeSet<ProviderId> {
        let of_runs = self.runs.iter().map(|active| active.run.submission.provider_id);
        let busy = self.executors.iter().flat_map(|executor| &executor.lanes);
        let busy = busy.filter(|lane| lane.in_flight > 0).map(|lane| lane.provider_id);
        of_runs.chain(busy).chain(self.open.calls.keys().copied()).collect()
    }

    fn jobs_in_hand(&self) -> HashMap<RunId, u64> {
        let mut jobs = HashMap::new();
        for run in self.executors.iter().flat_map(|executor| &executor.runs) {
            *jobs.entry(run.run_id).or_default() += u64::from(run.jobs);
        }
        jobs
    }

    fn state(&self, provider_id: ProviderId) -> Option<&LaneState> {
        self.fleet.lanes.get(&Scope::account(provider_id))
    }

    fn cooldown(&self, provider_id: ProviderId) -> Option<Timestamp> {
        let cooldown = self.state(provider_id)?.cooldown.as_ref()?;
        (cooldown.until > self.now).then_some(cooldown.until)
    }

    async fn lane(
        &self,
        provider: &ProviderRow,
        runs: &[&RunRow],
        in_hand: &HashMap<RunId, u64>,
        cooldown: Option<Timestamp>,
    ) -> Result<Lane, StoreError> {
        let limits = self.limits(provider, runs);
        let in_flight = self.in_flight(provider.id);
        // Calls that executors have beyond jobs are clients', also those of other dispatchers.
        let jobs_in_hand: u64 = runs.iter().filter_map(|run| in_hand.get(&run.id)).sum();
        let at_executors = (in_flight + self.waiting_at_executors(provider.id)).saturating_sub(jobs_in_hand);
        let own = self.open.calls.get(&provider.id).copied().unwrap_or(0);
        Ok(Lane {
            jobs: self.jobs(provider, runs, &limits).await?,
            calls: own.max(at_executors),
            in_flight,
            is_cooling: cooldown.is_some_and(|until| until > self.now + SOON),
            limits,
        })
    }

    fn limits(&self, provider: &ProviderRow, runs: &[&RunRow]) -> LaneLimits {
        let RateLimit { concurrency, .. } = provider.rate_limit;
        let found = self.state(provider.id).and_then(|lane| lane.adaptive.as_ref());
        let found = found.filter(|_| concurrency.is_none());
        LaneLimits {
            concurrency,
            found: found.map(|found| found.concurrency),
            calls_per_second: calls_per_second(&provider.rate_limit, found),
            call_time: call_time(runs),
        }
    }

    fn in_flight(&self, provider_id: ProviderId) -> u64 {
        let lanes = self.executors.iter().flat_map(|executor| &executor.lanes);
        lanes.filter(|lane| lane.provider_id == provider_id).map(|lane| u64::from(lane.in_flight)).sum()
    }

    /// Returns the number of calls that executors have in hand and that wait to be admitted.
    fn waiting_at_executors(&self, provider_id: ProviderId) -> u64 {
        let (account, living) = (Scope::account(provider_id), self.living());
        let holders = self.fleet.holders.iter().filter(|holder| living.contains(&*holder.name));
        holders.filter_map(|holder| holder.leases.get(&account)).map(|share| u64::from(share.waiting)).sum()
    }

    fn living(&self) -> HashSet<&str> {
        self.executors.iter().map(|executor| &*executor.name).collect()
    }

    /// Returns the number of jobs of the runs that are in the queue or in flight, or could be fed.
    async fn jobs(
        &self,
        provider: &ProviderRow,
        runs: &[&RunRow],
        limits: &LaneLimits,
    ) -> Result<u64, StoreError> {
        let mut by_model: BTreeMap<&str, u64> = BTreeMap::new();
        for run in runs {
            let trial = trial_calls(run, &self.workspace, &provider.settings);
            let due = self.due_soon(run, trial, limits).await?;
            *by_model.entry(&run.submission.model).or_default() +=
                run.in_queue() + want(run, due, new_jobs(run), trial).jobs;
        }
        let within = |(model, jobs): (&str, u64)| match provider.rate_limit.models.get(model) {
            Some(limit) => jobs.min(most_of_model(limit, limits.call_time)),
            None => jobs,
        };
        Ok(by_model.into_iter().map(within).sum())
    }

    /// Returns the number of deferred jobs of the run that are due soon and could be fed then.
    async fn due_soon(
        &self,
        run: &RunRow,
        trial: Option<NonZeroU32>,
        limits: &LaneLimits,
    ) -> Result<u64, StoreError> {
        if !run.is_feedable() {
            return Ok(0);
        }
        let most = trial.map_or(u64::MAX, |trial| trial_due_max(run, new_jobs(run), trial));
        let useful = limits.in_flight(&self.carried).0;
        let limit = run.cursor.deferred.min(most).min(useful).min(DUE_MAX);
        if limit == 0 {
            return Ok(0);
        }
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        Ok(self.store.due_jobs(run.id, self.now + SOON, limit).await?.len() as u64)
    }
}

/// Returns the time in which most calls of the lane's runs ended, by the slowest of them.
fn call_time(runs: &[&RunRow]) -> Option<Duration> {
    let times = runs.iter().filter_map(|run| run.stats.latencies.percentile_ms(CALL_TIME_OF));
    times.max().map(Duration::from_millis)
}

/// Returns the number of calls of one model that its own limits allow in flight.
fn most_of_model(limit: &ModelLimit, call_time: Option<Duration>) -> u64 {
    let ModelLimit { concurrency, rpm, rps, .. } = *limit;
    let rate = calls_per_second(&RateLimit { rpm, rps, ..RateLimit::default() }, None);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast saturates")]
    let by_rate = rate.map(|rate| (rate * call_time.unwrap_or(UNKNOWN_CALL).as_secs_f64()).ceil() as u64);
    let most = concurrency.map_or(u64::MAX, u64::from).min(by_rate.unwrap_or(u64::MAX));
    most.max(1)
}
