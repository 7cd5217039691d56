use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{AuditId, Tenant, TokenId};

/// A change that a token made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEntry {
    pub id: AuditId,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
    /// Tenant to which the changed object belongs.
    pub tenant: Tenant,
    /// Name of the token, or `environment` for a token that the server was started with.
    pub token: String,
    /// Id of the token. Null for a token that the server was started with.
    pub token_id: Option<TokenId>,
    /// Kind of object and change, such as `provider.create` or `run.cancel`.
    pub action: String,
    /// Id of the object, if it has one.
    pub object: Option<String>,
    /// Names of the fields that changed, or the name of the object. It never has a secret.
    pub detail: Option<String>,
}
