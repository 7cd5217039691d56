//! State that jobs use and that changes while they run: providers, settings, runs, limits.
//!
//! Control messages announce changes quickly, but may be lost. The store is the source of truth:
//! [`Environment::refresh`] reads all of it.

mod api_keys;
mod budgets;
mod callee;
mod charged_runs;
mod prompts;
mod providers;
mod run_states;
mod settings;
mod token_budgets;

use std::sync::Arc;

use runmill_llm::Factory;
use runmill_proto::{JobConfig, ProviderId, RunId, TokenId, message::Control};
use runmill_quota::Lanes;
use runmill_runtime::Clock;
use runmill_store::{ActiveRuns, ExecutorStore, ProviderReader, ProviderRow, StoreError, TokenBudget};
use runmill_vault::Opener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use budgets::{DayBudget, RunBudget};
pub use callee::{Callee, Remedy, Unusable};
pub use run_states::{RunState, RunTokens};
pub use token_budgets::Spender;

use self::{
    budgets::Budgets, prompts::Prompts, providers::ProviderCache, run_states::RunStates,
    settings::SettingsCache, token_budgets::TokenBudgets,
};
use crate::leases::Keeper;

/// Number of providers that one query reads.
const PROVIDERS_AT_ONCE: u32 = 500;

/// The state that all jobs of this executor share.
pub struct Environment {
    pub store: Arc<dyn ExecutorStore>,
    pub clock: Clock,
    pub factory: Arc<Factory>,
    pub lanes: Arc<Lanes>,
    pub leases: Arc<Keeper>,
    pub prompts: Prompts,
    pub budgets: Budgets,
    token_budgets: TokenBudgets,
    runs: RunStates,
    providers: ProviderCache,
    settings: SettingsCache,
}

impl Environment {
    /// Cancelling `kill` interrupts the calls of all runs.
    pub fn new(
        store: Arc<dyn ExecutorStore>,
        opener: Opener,
        factory: Arc<Factory>,
        lanes: Arc<Lanes>,
        leases: Arc<Keeper>,
        clock: Clock,
        kill: CancellationToken,
    ) -> Self {
        Self {
            providers: ProviderCache::new(store.clone(), opener),
            store,
            clock,
            factory,
            lanes,
            leases,
            prompts: Prompts::default(),
            budgets: Budgets::default(),
            token_budgets: TokenBudgets::default(),
            runs: RunStates::new(kill),
            settings: SettingsCache::default(),
        }
    }

    /// Reads settings, runs and providers from the store, and updates clients and lanes accordingly. Returns all
    /// providers.
    pub async fn refresh(&self) -> Result<Vec<ProviderRow>, StoreError> {
        self.settings.refresh(&*self.store).await?;
        self.refresh_runs().await?;
        self.refresh_providers().await
    }

    async fn refresh_providers(&self) -> Result<Vec<ProviderRow>, StoreError> {
        let rows = self.all_providers().await?;
        self.leases.set_providers(rows.iter().map(|row| (row.id, row.rate_limit.clone())));
        // Clients get the new settings now, also for calls that wait for a retry.
        for provider in self.providers.refresh(&rows, &self.settings.get()) {
            if let Err(error) = self.factory.client(&provider.target) {
                tracing::warn!(event = "executor.provider_unusable", provider_id = %provider.target.provider_id, %error);
            }
        }
        Ok(rows)
    }

    /// Forgets a provider that is gone. Its calls in flight go on, and no further ones start.
    pub fn forget(&self, id: ProviderId) {
        self.factory.forget(id);
        self.lanes.close(id);
    }

    /// Reads the state of a run from the store if it is not known yet.
    pub async fn learn_run(&self, run_id: RunId) -> Result<(), StoreError> {
        if self.run_state(run_id) == RunState::Unknown {
            self.refresh_runs().await?;
        }
        Ok(())
    }

    /// Reads the run to which a client's call is charged from the store, unless that was done a moment ago.
    pub async fn learn_charged_run(&self, run_id: RunId) -> Result<(), StoreError> {
        if !self.runs.knows_charged(run_id) {
            self.read_charged_run(run_id).await?;
        }
        Ok(())
    }

    /// Reads the budget of a client's token from the store, unless that was done a moment ago.
    pub async fn learn_client(&self, token_id: Option<TokenId>) -> Result<(), StoreError> {
        match token_id {
            Some(id) if !self.token_budgets.is_new(id) => self.read_token_budget(id).await,
            _ => Ok(()),
        }
    }

    async fn read_token_budget(&self, id: TokenId) -> Result<(), StoreError> {
        self.token_budgets.insert(id, ActiveRuns::token_budget(&*self.store, id).await?);
        Ok(())
    }

    async fn read_charged_run(&self, run_id: RunId) -> Result<(), StoreError> {
        let asked = self.runs.ask();
        self.runs.load_charged(asked, &ActiveRuns::charged_run(&*self.store, run_id).await?);
        Ok(())
    }

    /// Returns the current state of a run.
    pub fn run_state(&self, run_id: RunId) -> RunState {
        self.runs.state(run_id)
    }

    /// Returns the tokens that are cancelled when the calls of the run have to end.
    pub fn run_tokens(&self, run_id: RunId) -> RunTokens {
        self.runs.tokens(run_id)
    }

    /// Returns the budget of a run, if it has one.
    pub fn run_budget(&self, run_id: RunId) -> Option<RunBudget> {
        self.runs.budget(run_id)
    }

    /// Returns true if the items of the run are requests of clients. The run must be known.
    pub fn is_batch(&self, run_id: RunId) -> bool {
        self.runs.is_batch(run_id)
    }

    /// Returns the budget of a token, if it has one.
    pub fn token_budget(&self, spender: Spender) -> Option<Arc<TokenBudget>> {
        match spender {
            Spender::OfRun(run_id) => self.runs.token_budget(run_id),
            Spender::OfClient(id) => self.token_budgets.get(id?),
        }
    }

    /// Reads the budgets of a run and of a token as the store has them now. Calls that ask together make one query for
    /// the runs.
    pub async fn newest_budgets(
        &self,
        run_id: RunId,
        spender: Spender,
    ) -> (Option<RunBudget>, Option<Arc<TokenBudget>>) {
        let run = self.newest_budget(run_id).await;
        if let Spender::OfClient(Some(id)) = spender
            && let Err(error) = self.read_token_budget(id).await
        {
            tracing::warn!(event = "executor.refresh_failed", %error);
        }
        (run, self.token_budget(spender))
    }

    async fn newest_budget(&self, run_id: RunId) -> Option<RunBudget> {
        let asked = Instant::now();
        let mut checked = self.budgets.checked.lock().await;
        if checked.is_none_or(|checked| checked < asked) {
            *checked = Some(Instant::now());
            if let Err(error) = self.refresh_runs().await {
                tracing::warn!(event = "executor.refresh_failed", %error);
            }
        }
        if self.runs.is_charged(run_id)
            && let Err(error) = self.read_charged_run(run_id).await
        {
            tracing::warn!(event = "executor.refresh_failed", %error);
        }
        self.run_budget(run_id)
    }

    /// Applies a change of a run that was announced.
    pub fn hear(&self, control: &Control) {
        // A user who resumes a run has corrected the cause of the pause, so one call may probe each key. This comes
        // before the jobs of the run can start, because the old state of the keys would stop them.
        if let Control::RunResumed { .. } = control {
            self.factory.reset_key_breakers();
        }
        if let Control::LaneCooldown { provider_id, until, .. } = control {
            self.leases.hear_cooldown(*provider_id, *until);
        }
        self.runs.hear(control);
    }

    async fn refresh_runs(&self) -> Result<(), StoreError> {
        let asked = self.runs.ask();
        let active = ActiveRuns::active_runs(&*self.store).await?;
        // Another process that shares the store may have corrected the provider before it resumed the run. The first call
        // after the pause must see that.
        if self.runs.resumes(&active) {
            self.refresh_providers().await?;
        }
        if self.runs.load(asked, &active) {
            self.factory.reset_key_breakers();
        }
        Ok(())
    }

    async fn all_providers(&self) -> Result<Vec<ProviderRow>, StoreError> {
        let mut rows: Vec<ProviderRow> = Vec::new();
        loop {
            let after = rows.last().map(|row| row.id);
            let page = ProviderReader::providers(&*self.store, None, after, PROVIDERS_AT_ONCE).await?;
            let last = page.len() < PROVIDERS_AT_ONCE as usize;
            rows.extend(page);
            if last {
                return Ok(rows);
            }
        }
    }

    /// Returns everything that a call of the provider needs, by the newest settings that this executor knows.
    pub async fn callee<'a>(&'a self, id: ProviderId, config: &'a JobConfig) -> Result<Callee<'a>, Unusable> {
        let provider = self.providers.get(id, &self.settings.get()).await?;
        let client = self.factory.client(&provider.target)?;
        Ok(Callee { client, provider, environment: self, config })
    }

    /// Like [`callee`](Self::callee), but reads the settings from the store.
    pub async fn newest_callee<'a>(
        &'a self,
        id: ProviderId,
        config: &'a JobConfig,
    ) -> Result<Callee<'a>, Unusable> {
        let limits = self.providers.reload(id, &self.settings.get()).await?;
        self.leases.set_provider(id, &limits);
        self.callee(id, config).await
    }
}
