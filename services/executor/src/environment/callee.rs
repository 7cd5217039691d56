use std::sync::Arc;

use jiff::Timestamp;
use runmill_llm::{CallPolicy, Client, TargetError, protocol::Form};
use runmill_proto::{
    Fix, Generation, JobConfig, RunId,
    api::{Capabilities, Settings},
};
use runmill_quota::budget::Purses;
use runmill_store::{StoreError, TokenBudget};

use super::{
    DayBudget, Environment, RunBudget, Spender,
    providers::{OpenProvider, ProviderError},
};

/// A provider that is ready for the calls of one job.
pub struct Callee<'a> {
    pub client: Arc<Client>,
    pub(super) provider: Arc<OpenProvider>,
    pub(super) environment: &'a Environment,
    pub(super) config: &'a JobConfig,
}

/// Reason why a provider cannot be called.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Target(#[from] TargetError),
}

/// Treatment of the jobs of a provider that cannot be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// The job is fed again in some seconds, when it may work.
    Defer,
    /// The run is paused, because its items are not at fault and an operator has to correct the setup.
    PauseRun,
    /// The job fails, because the provider is gone.
    Fail,
}

impl Unusable {
    pub const fn remedy(&self) -> Remedy {
        match self {
            Self::Provider(ProviderError::Store(error)) if error.is_transient() => Remedy::Defer,
            Self::Provider(ProviderError::Sealed { .. } | ProviderError::Store(StoreError::Broken(_)))
            | Self::Target(_) => Remedy::PauseRun,
            Self::Provider(ProviderError::Store(_)) => Remedy::Fail,
        }
    }
}

impl Callee<'_> {
    /// Returns the current settings. They may change while a call waits.
    pub fn settings(&self) -> Settings {
        let workspace = self.environment.settings.get();
        let id = self.provider.target.provider_id;
        self.environment.providers.settings(id, &workspace, self.config)
    }

    /// Returns the current policy for a job that is fed for the first time.
    pub fn policy(&self) -> CallPolicy {
        CallPolicy::from(&self.settings())
    }

    /// Returns the budget of the provider's day by its current settings, if it has one.
    pub fn day_budget(&self) -> Option<Arc<DayBudget>> {
        self.environment.providers.day_budget(self.provider.target.provider_id)
    }

    pub fn run_budget(&self, run_id: RunId) -> Option<RunBudget> {
        self.environment.run_budget(run_id)
    }

    pub fn token_budget(&self, spender: Spender) -> Option<Arc<TokenBudget>> {
        self.environment.token_budget(spender)
    }

    pub fn now(&self) -> Timestamp {
        self.environment.clock.now()
    }

    pub fn purses(&self) -> &Arc<Purses> {
        &self.environment.budgets.purses
    }

    pub fn capabilities(&self) -> &Capabilities {
        &self.provider.capabilities
    }

    /// Returns `generation` without the parameters that the provider is known not to support.
    pub fn supported(&self, generation: Generation) -> Generation {
        let Capabilities { json_mode, reasoning, .. } = self.provider.capabilities;
        Generation {
            response_format: generation.response_format.filter(|_| json_mode != Some(false)),
            reasoning_effort: generation.reasoning_effort.filter(|_| reasoning != Some(false)),
            ..generation
        }
    }

    /// Returns the form of the first request, by the provider's capabilities.
    pub fn form(&self) -> Form {
        let Capabilities { system_prompt, streaming, .. } = self.provider.capabilities;
        let fixes = [(system_prompt, Fix::SystemInQuestion), (streaming, Fix::Buffered)];
        fixes.into_iter().filter(|(capability, _)| *capability == Some(false)).map(|(_, fix)| fix).collect()
    }

    /// Returns true if the store has other settings of the provider than these. The next call uses the new ones.
    pub async fn has_changed(&self) -> bool {
        self.environment.providers.has_changed(&self.provider).await
    }
}
