use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::{
    ProviderId,
    api::{Capabilities, ProviderKind, ProviderProtocol, RateLimit, SettingsOverride},
};
use uuid::Uuid;

use crate::StoreError;

/// A provider as it is stored: its secrets sealed.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderRow {
    pub id: ProviderId,
    pub name: String,
    pub kind: ProviderKind,
    /// None: the kind's own.
    pub protocol: Option<ProviderProtocol>,
    pub base_url: String,
    pub secrets: Vec<SealedSecret>,
    pub capabilities: Capabilities,
    pub rate_limit: RateLimit,
    /// Settings that the provider states above the workspace's.
    pub settings: SettingsOverride,
    /// Grows with every change of the row or its secrets.
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretKind {
    ApiKey,
    Header,
}

impl SecretKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::Header => "header",
        }
    }
}

impl std::str::FromStr for SecretKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "api_key" => Ok(Self::ApiKey),
            "header" => Ok(Self::Header),
            _ => Err(format!("`{text}` is not a kind of secret")),
        }
    }
}

/// One sealed value. Its row id is what the seal is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSecret {
    pub id: Uuid,
    pub kind: SecretKind,
    /// The key's label or the header's name.
    pub name: String,
    pub sealed: Vec<u8>,
    /// What may be shown of it.
    pub masked: String,
    /// A key's share of the calls relative to the provider's other keys, from 1 to 100; 1 for a header.
    pub weight: u32,
}

/// A secret with the id that its seal is already bound to.
pub type NewSecret = SealedSecret;

/// A secret and whose it is; for rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretOwner {
    pub provider_id: ProviderId,
    pub secret: SealedSecret,
}

/// Accounts at model APIs.
#[async_trait]
pub trait Providers: Send + Sync {
    /// Stores `row` with its secrets. [`StoreError::Conflict`] if the name is taken.
    async fn create_provider(&self, row: &ProviderRow) -> Result<(), StoreError>;

    /// Replaces the row and, with it, all its secrets, if it is still at `row.version - 1`; else
    /// [`StoreError::Conflict`]. `created_at` stays as it was.
    async fn update_provider(&self, row: &ProviderRow) -> Result<(), StoreError>;

    /// [`StoreError::NotFound`] also for a deleted one.
    async fn provider(&self, id: ProviderId) -> Result<ProviderRow, StoreError>;

    /// By id, after `after`, at most `limit`.
    async fn providers(&self, after: Option<ProviderId>, limit: u32) -> Result<Vec<ProviderRow>, StoreError>;

    /// Removes it and its secrets. [`StoreError::Conflict`] while a run of it has not ended.
    async fn delete_provider(&self, id: ProviderId) -> Result<(), StoreError>;

    /// Every secret, by id, after `after`, at most `limit`; for rotation.
    async fn secrets(&self, after: Option<Uuid>, limit: u32) -> Result<Vec<SecretOwner>, StoreError>;

    /// Replaces the sealed value of `id` if it still is `old`, and grows the provider's version; whether
    /// it did.
    async fn reseal(&self, id: Uuid, old: &[u8], new: &[u8]) -> Result<bool, StoreError>;
}
