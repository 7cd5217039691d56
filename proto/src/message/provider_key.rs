use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ProviderId;

/// `provider_key.v1`, from the dispatcher to any executor: asks for the API key with which a call of this provider would
/// begin now. The answer is a [`ProviderKeyReply`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderKeyRequest {
    pub id: Uuid,
    pub provider_id: ProviderId,
    /// Key that encrypts the answer, sealed for the executors.
    pub reply_key: Vec<u8>,
}

/// `provider_key_reply.v1`, from an executor to the dispatcher that sent a [`ProviderKeyRequest`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderKeyReply {
    /// The API key, encrypted with the request's key.
    Key { label: String, sealed: Vec<u8> },
    /// The provider has no key.
    NoKey,
    /// No key can be given. The text says why, without secrets.
    Refused(String),
}

impl ProviderKeyRequest {
    /// Time that the dispatcher waits for the answer.
    pub const ANSWERED_WITHIN: Duration = Duration::from_secs(15);
}

// Not derived, because even sealed keys do not belong into a log.
impl fmt::Debug for ProviderKeyRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ProviderKeyRequest");
        shown.field("id", &self.id).field("provider_id", &self.provider_id).finish_non_exhaustive()
    }
}

impl fmt::Debug for ProviderKeyReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key { label, .. } => f.debug_struct("Key").field("label", label).finish_non_exhaustive(),
            Self::NoKey => f.write_str("NoKey"),
            Self::Refused(why) => f.debug_tuple("Refused").field(why).finish(),
        }
    }
}
