use std::str::FromStr;

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::{
    ProviderId, Tenant,
    api::{Capabilities, ProviderKind, ProviderProtocol, RateLimit, SettingsOverride},
};
use uuid::Uuid;

use crate::{StoreError, columns::stored_by_name};

/// A provider as it is stored, with its secrets sealed.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderRow {
    pub id: ProviderId,
    /// Tenant to which the provider belongs.
    pub tenant: Tenant,
    /// True if other tenants may use the provider, too.
    pub shared: bool,
    pub name: String,
    pub kind: ProviderKind,
    /// Protocol of the API. `None` stands for the default protocol of the kind.
    pub protocol: Option<ProviderProtocol>,
    pub base_url: String,
    /// Proxy of the calls, or `none`; `None` stands for the executor's.
    pub proxy: Option<String>,
    pub secrets: Vec<SealedSecret>,
    pub capabilities: Capabilities,
    pub rate_limit: RateLimit,
    /// Settings of the provider, which take precedence over the workspace's.
    pub settings: SettingsOverride,
    /// Version, which grows with every change of the row or its secrets.
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretKind {
    ApiKey,
    Header,
}

stored_by_name! { SecretKind }

impl SecretKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::Header => "header",
        }
    }
}

impl FromStr for SecretKind {
    type Err = UnknownSecretKind;

    fn from_str(name: &str) -> Result<Self, UnknownSecretKind> {
        let kind = [Self::ApiKey, Self::Header].into_iter().find(|kind| kind.as_str() == name);
        kind.ok_or_else(|| UnknownSecretKind(name.to_owned()))
    }
}

/// Error for a stored kind of secret that this release does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a kind of secret")]
pub struct UnknownSecretKind(String);

/// One sealed (encrypted) value, which can be opened only with the row's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSecret {
    pub id: Uuid,
    pub kind: SecretKind,
    /// Label of the key, or name of the header.
    pub name: String,
    pub sealed: Vec<u8>,
    /// Value in the masked form that may be shown.
    pub masked: String,
    /// Share of a key in the calls, relative to the provider's other keys, from 1 to 100; 1 for a header.
    pub weight: u32,
}

/// A secret to store. Its seal is already bound to its id.
pub type NewSecret = SealedSecret;

/// A secret and its provider, for the rotation of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretOwner {
    pub provider_id: ProviderId,
    pub secret: SealedSecret,
}

/// Reads providers: accounts at model APIs.
#[async_trait]
pub trait ProviderReader: Send + Sync {
    /// Returns [`StoreError::NotFound`] also for a deleted provider.
    async fn provider(&self, id: ProviderId) -> Result<ProviderRow, StoreError>;

    /// Returns at most `limit` providers that the tenant may use, or all, in the order of their ids, beginning after
    /// `after`.
    async fn providers(
        &self,
        tenant: Option<&Tenant>,
        after: Option<ProviderId>,
        limit: u32,
    ) -> Result<Vec<ProviderRow>, StoreError>;
}

#[async_trait]
pub trait ProviderWriter: Send + Sync {
    /// Stores `row` with its secrets. Returns [`StoreError::Conflict`] if the name is taken in its tenant.
    async fn create_provider(&self, row: &ProviderRow) -> Result<(), StoreError>;

    /// Replaces the row with all its secrets, if its stored version is still `row.version - 1`; otherwise returns
    /// [`StoreError::Conflict`]. `tenant` and `created_at` do not change.
    async fn update_provider(&self, row: &ProviderRow) -> Result<(), StoreError>;

    /// Deletes the provider and its secrets. Returns [`StoreError::Conflict`] while a run of it has not ended.
    async fn delete_provider(&self, id: ProviderId) -> Result<(), StoreError>;
}

/// Seals all secrets under another key.
#[async_trait]
pub trait SecretRotation: Send + Sync {
    /// Returns at most `limit` secrets of all providers in the order of their ids, beginning after `after`.
    async fn secrets(&self, after: Option<Uuid>, limit: u32) -> Result<Vec<SecretOwner>, StoreError>;

    /// Replaces the sealed value of `id` if it still is `old`, and increments the provider's version. Returns true if
    /// it replaced the value.
    async fn reseal(&self, id: Uuid, old: &[u8], new: &[u8]) -> Result<bool, StoreError>;
}
