use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use runmill_llm::{Target, TargetKey};
use runmill_proto::{
    Generation, JobConfig, ProviderId,
    api::{Capabilities, ProviderKind, ProviderProtocol, Settings, SettingsOverride},
};
use runmill_store::{ExecutorStore, ProviderReader, ProviderRow, SealedSecret, SecretKind, StoreError};
use runmill_vault::{OpenError, Opener, Owner};
use secrecy::SecretString;

/// A provider ready to be called: its keys and headers are in the clear, in memory only.
#[derive(Debug)]
pub struct OpenProvider {
    pub id: ProviderId,
    pub version: i64,
    pub capabilities: Capabilities,
    kind: ProviderKind,
    protocol: ProviderProtocol,
    base_url: String,
    keys: Vec<TargetKey>,
    headers: BTreeMap<String, SecretString>,
    settings: SettingsOverride,
}

/// Why a provider cannot be called.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the secret `{name}` of the provider cannot be opened: {source}")]
    Sealed { name: String, source: OpenError },
}

/// Opened providers by id, until they change.
pub struct ProviderCache {
    store: Arc<dyn ExecutorStore>,
    opener: Opener,
    opened: Mutex<HashMap<ProviderId, Arc<OpenProvider>>>,
}

impl ProviderCache {
    pub fn new(store: Arc<dyn ExecutorStore>, opener: Opener) -> Self {
        Self { store, opener, opened: Mutex::default() }
    }

    pub async fn get(&self, id: ProviderId) -> Result<Arc<OpenProvider>, ProviderError> {
        if let Some(provider) = self.lock().get(&id) {
            return Ok(provider.clone());
        }
        let row = ProviderReader::provider(&*self.store, id).await?;
        let provider = Arc::new(self.open(row)?);
        self.lock().insert(id, provider.clone());
        Ok(provider)
    }

    /// Whether the store has other settings than these. Then they are forgotten, and opened anew when next wanted.
    pub async fn has_changed(&self, provider: &OpenProvider) -> bool {
        let row = ProviderReader::provider(&*self.store, provider.id).await;
        let changed = row.is_ok_and(|row| row.version != provider.version);
        if changed {
            self.lock().remove(&provider.id);
        }
        changed
    }

    /// The settings of a job of this provider at this moment.
    pub fn settings(&self, id: ProviderId, workspace: &Settings, job: &JobConfig) -> Settings {
        match self.lock().get(&id) {
            Some(provider) => workspace.for_job(&provider.settings, job),
            None => workspace.for_job(&SettingsOverride::default(), job),
        }
    }

    /// Opens anew what is in use and has changed, and forgets what is gone. What cannot be opened is tried again
    /// when it is next wanted.
    pub fn refresh(&self, rows: &[ProviderRow]) -> Vec<Arc<OpenProvider>> {
        let mut opened = self.lock();
        let before = std::mem::take(&mut *opened);
        for row in rows {
            match before.get(&row.id) {
                Some(known) if known.version == row.version => drop(opened.insert(row.id, known.clone())),
                Some(_) => match self.open(row.clone()) {
                    Ok(provider) => drop(opened.insert(row.id, Arc::new(provider))),
                    Err(error) => {
                        tracing::warn!(event = "executor.provider_unusable", provider_id = %row.id, %error);
                    }
                },
                None => {}
            }
        }
        opened.values().cloned().collect()
    }

    fn open(&self, row: ProviderRow) -> Result<OpenProvider, ProviderError> {
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
        Ok(OpenProvider {
            id: row.id,
            version: row.version,
            capabilities: row.capabilities,
            kind: row.kind,
            protocol: row.protocol.unwrap_or_else(|| row.kind.default_protocol()),
            base_url: row.base_url,
            keys,
            headers,
            settings: row.settings,
        })
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

impl OpenProvider {
    /// Whom to call. `workspace`: the settings that the provider's own are above.
    pub fn target(&self, workspace: &Settings) -> Target {
        Target {
            provider_id: self.id,
            version: self.version,
            kind: self.kind,
            protocol: self.protocol,
            base_url: self.base_url.clone(),
            keys: self.keys.clone(),
            headers: self.headers.clone(),
            connect_timeout: workspace.for_provider(&self.settings).request.connect_timeout(),
        }
    }

    /// `generation` without what this provider is known not to take.
    pub fn generation(&self, generation: Generation) -> Generation {
        let Capabilities { json_mode, reasoning, .. } = self.capabilities;
        Generation {
            response_format: generation.response_format.filter(|_| json_mode != Some(false)),
            reasoning_effort: generation.reasoning_effort.filter(|_| reasoning != Some(false)),
            ..generation
        }
    }
}
