use runmill_llm::ModelError;
use runmill_proto::{JobConfig, message::ProviderKeyRequest};
use runmill_vault::{OpenError, ReplyKey};

use super::{Environment, Unusable};

/// Reason why a key of a provider is not given.
#[derive(Debug, thiserror::Error)]
pub enum NotGiven {
    #[error("the request is not of a dispatcher with this executor's ENCRYPTION_KEY: {0}")]
    Stranger(OpenError),
    #[error(transparent)]
    Provider(#[from] Unusable),
    #[error("no key is usable now: {0}")]
    NoneUsable(ModelError),
}

impl Environment {
    /// Returns the label of the key with which a call of the provider would begin now, and the key, sealed for the
    /// request. Returns `None` for a provider without keys. The provider is read from the store.
    pub async fn next_key(
        &self,
        request: &ProviderKeyRequest,
    ) -> Result<Option<(String, Vec<u8>)>, NotGiven> {
        let reply_key = ReplyKey::unseal(self.providers.opener(), request.id, &request.reply_key);
        let reply_key = reply_key.map_err(NotGiven::Stranger)?;
        let config = JobConfig::default();
        let callee = self.newest_callee(request.provider_id, &config).await?;
        let label = callee.client.next_key().map_err(NotGiven::NoneUsable)?;
        let key = callee.provider.target.keys.iter().find(|key| key.label == label);
        Ok(key.map(|key| (label, reply_key.seal(request.id, &key.value))))
    }
}
