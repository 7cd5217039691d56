use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use runmill_llm::{Target, TargetKey};
use runmill_proto::{
    JobConfig, ProviderId,
    api::{Capabilities, RateLimit, Settings, SettingsOverride},
};
use runmill_store::{ExecutorStore, ProviderReader, ProviderRow, SealedSecret, SecretKind, StoreError};
use runmill_vault::{OpenError, Opener, Owner};
use secrecy::SecretString;

use super::DayBudget;

/// A provider that is ready to be called. Its keys and headers are decrypted, in memory only.
#[derive(Clone, Debug)]
pub struct OpenProvider {
    /// Destination of the calls. It is made once for a version of the provider's settings, and again when the
    /// workspace's time-out changes.
    pub target: Target,
    pub capabilities: Capabilities,
    settings: SettingsOverride,
    day_budget: Option<Arc<DayBudget>>,
}

/// Reason why a provider cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the secret `{name}` of the provider cannot be decrypted: {source}")]
    Sealed { name: String, source: OpenError },
}

/// Decrypted providers by id, until they change.
pub struct ProviderCache {
    store: Arc<dyn ExecutorStore>,
    opener: Opener,
    opened: Mutex<HashMap<ProviderId, Arc<OpenProvider>>>,
}

impl ProviderCache {
    pub fn new(store: Arc<dyn ExecutorStore>, opener: Opener) -> Self {
        Self { store, opener, opened: Mutex::default() }
    }

    pub fn opener(&self) -> &Opener {
        &self.opener
    }

    /// Returns the provider as it was last read. A provider that was never read is read now. `workspace` has the
    /// workspace's settings.
    pub async fn get(
        &self,
        id: ProviderId,
        workspace: &Settings,
    ) -> Result<Arc<OpenProvider>, ProviderError> {
        if let Some(provider) = self.lock().get(&id) {
            return Ok(provider.clone());
        }
        let row = ProviderReader::provider(&*self.store, id).await?;
        let provider = Arc::new(self.open(row, workspace)?);
        self.lock().insert(id, provider.clone());
        Ok(provider)
    }

    /// Reads the provider from the store, and decrypts its secrets if it has changed. Returns its limits.
    pub async fn reload(&self, id: ProviderId, workspace: &Settings) -> Result<RateLimit, ProviderError> {
        let row = ProviderReader::provider(&*self.store, id).await?;
        let limits = row.rate_limit.clone();
        if self.lock().get(&id).is_none_or(|known| known.target.version < row.version) {
            let provider = Arc::new(self.open(row, workspace)?);
            self.lock().insert(id, provider);
        }
        Ok(limits)
    }

    /// Returns true if the store has other settings than these. The next call of the provider then uses them.
    pub async fn has_changed(&self, provider: &OpenProvider) -> bool {
        let (id, version) = (provider.target.provider_id, provider.target.version);
        let row = ProviderReader::provider(&*self.store, id).await;
        let changed = row.is_ok_and(|row| row.version != version);
        if changed {
            self.lock().remove(&id);
        }
        changed
    }

    /// Returns the current settings for a job of this provider.
    pub fn settings(&self, id: ProviderId, workspace: &Settings, job: &JobConfig) -> Settings {
        match self.lock().get(&id) {
            Some(provider) => workspace.for_job(&provider.settings, job),
            None => workspace.for_job(&SettingsOverride::default(), job),
        }
    }

    /// Returns the budget of the provider's day, if it has one.
    pub fn day_budget(&self, id: ProviderId) -> Option<Arc<DayBudget>> {
        self.lock().get(&id)?.day_budget.clone()
    }

    /// Decrypts the secrets of the known providers that have changed, and forgets the providers that are gone. A
    /// provider whose secrets cannot be decrypted is tried again at its next call. Returns all providers that are
    /// known now.
    pub fn refresh(&self, rows: &[ProviderRow], workspace: &Settings) -> Vec<Arc<OpenProvider>> {
        let mut opened = self.lock();
        let before = std::mem::take(&mut *opened);
        for row in rows {
            let Some(known) = before.get(&row.id) else { continue };
            match self.renew(known, row, workspace) {
                Ok(provider) => drop(opened.insert(row.id, provider)),
                Err(error) => {
                    tracing::warn!(event = "executor.provider_unusable", provider_id = %row.id, %error);
                }
            }
        }
        opened.values().cloned().collect()
    }

    fn renew(
        &self,
        known: &Arc<OpenProvider>,
        row: &ProviderRow,
        workspace: &Settings,
    ) -> Result<Arc<OpenProvider>, ProviderError> {
        if known.target.version != row.version {
            return Ok(Arc::new(self.open(row.clone(), workspace)?));
        }
        let connect_timeout = connect_timeout(&known.settings, workspace);
        if known.target.connect_timeout == connect_timeout {
            return Ok(known.clone());
        }
        let target = Target { connect_timeout, ..known.target.clone() };
        Ok(Arc::new(OpenProvider { target, ..OpenProvider::clone(known) }))
    }

    fn open(&self, row: ProviderRow, workspace: &Settings) -> Result<OpenProvider, ProviderError> {
        let day_budget = DayBudget::of(&row).map(Arc::new);
        let mut headers = BTreeMap::new();
        let mut keys = Vec::new();
        for secret in row.secrets {
            let value = self.open_secret(&secret)?;
            match secret.kind {
                SecretKind::ApiKey => {
                    keys.push(TargetKey { label: secret.name, value, weight: secret.weight });
                }
                SecretKind::Header => drop(headers.insert(secret.name, value)),
            }
        }
        let target = Target {
            provider_id: row.id,
            version: row.version,
            kind: row.kind,
            protocol: row.protocol.unwrap_or_else(|| row.kind.default_protocol()),
            base_url: row.base_url,
            proxy: row.proxy,
            keys,
            headers,
            connect_timeout: connect_timeout(&row.settings, workspace),
        };
        Ok(OpenProvider { target, capabilities: row.capabilities, settings: row.settings, day_budget })
    }

    fn open_secret(&self, secret: &SealedSecret) -> Result<SecretString, ProviderError> {
        self.opener
            .open(Owner::provider_secret(secret.id), &secret.sealed)
            .map_err(|source| ProviderError::Sealed { name: secret.name.clone(), source })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ProviderId, Arc<OpenProvider>>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn connect_timeout(provider: &SettingsOverride, workspace: &Settings) -> Duration {
    workspace.for_provider(provider).request.connect_timeout()
}
