use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use runmill_llm::Target;
use runmill_proto::{
    ProviderId,
    api::{Capabilities, ProviderKind, Settings},
};
use runmill_store::{ExecutorStore, ProviderRow, Providers, SealedSecret, SecretKind, StoreError};
use runmill_vault::{OpenError, Opener, Owner};
use secrecy::SecretString;

/// What a time of nonsense length is taken for.
const CONNECT_TIMEOUT_MAX: Duration = Duration::from_mins(1);

/// A provider ready to be called: its key and headers are in the clear, in memory only.
#[derive(Debug)]
pub struct OpenProvider {
    pub id: ProviderId,
    pub version: i64,
    pub kind: ProviderKind,
    pub capabilities: Capabilities,
    base_url: String,
    key: Option<(String, SecretString)>,
    headers: BTreeMap<String, SecretString>,
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
        let row = Providers::provider(&*self.store, id).await?;
        let provider = Arc::new(self.open(row)?);
        self.lock().insert(id, provider.clone());
        Ok(provider)
    }

    /// Keeps what is as the rows say; the rest is opened anew when it is next wanted.
    pub fn keep_current(&self, rows: &[ProviderRow]) {
        let versions: HashMap<_, _> = rows.iter().map(|row| (row.id, row.version)).collect();
        self.lock().retain(|id, provider| versions.get(id) == Some(&provider.version));
    }

    fn open(&self, row: ProviderRow) -> Result<OpenProvider, ProviderError> {
        let mut headers = BTreeMap::new();
        let mut key = None;
        for secret in row.secrets {
            let value = self.open_secret(&secret)?;
            match secret.kind {
                // The first key is used; choosing among several is the model client's next step.
                SecretKind::ApiKey if key.is_none() => key = Some((secret.name, value)),
                SecretKind::ApiKey => {}
                SecretKind::Header => drop(headers.insert(secret.name, value)),
            }
        }
        Ok(OpenProvider {
            id: row.id,
            version: row.version,
            kind: row.kind,
            capabilities: row.capabilities,
            base_url: row.base_url,
            key,
            headers,
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
    pub fn target(&self, settings: &Settings) -> Target {
        let connect_timeout = Duration::try_from_secs_f64(settings.request.connect_timeout_seconds);
        let (key_label, api_key) =
            self.key.clone().map_or_else(Default::default, |(label, key)| (label, Some(key)));
        Target {
            provider_id: self.id,
            version: self.version,
            kind: self.kind,
            base_url: self.base_url.clone(),
            key_label,
            api_key,
            headers: self.headers.clone(),
            connect_timeout: connect_timeout.unwrap_or(CONNECT_TIMEOUT_MAX),
        }
    }
}
