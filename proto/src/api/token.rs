use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Budget, RunBudgetLeft};
use crate::{ProviderId, Role, Tenant, TokenId, range::nullable};

/// A bearer token to create.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// Name of its user, of 1 to 200 characters, which the audit log shows. It need not be unique.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub name: String,
    pub role: Role,
    /// Tenant of the token. Default: the tenant of the token that creates it, or `default` if that is of all tenants.
    #[serde(default)]
    pub tenant: Option<Tenant>,
    /// True for a token of all tenants, which only a token of all tenants can create.
    #[serde(default)]
    pub all_tenants: bool,
    /// Providers that the token may use, at most 100. Null: all that its tenant may use. Not for an
    /// admin, who could add others.
    #[serde(default)]
    pub providers: Option<Vec<ProviderId>>,
    /// Largest use of all runs that the token submits. When it is used up, they are paused. Null: not limited. Not for an
    /// admin, who could create other tokens.
    #[serde(default)]
    pub budget: Option<Budget>,
    /// Time from which the token is refused. Null: it does not expire.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub expires_at: Option<Timestamp>,
}

/// Changes of a token. An absent field keeps its value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct TokenPatch {
    /// New budget. Null removes the budget. Runs that are paused because the old one was used up resume.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Budget>))]
    pub budget: Option<Option<Budget>>,
}

/// A bearer token, without its secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Token {
    pub id: TokenId,
    pub name: String,
    /// First characters of the token, by which people recognise it.
    pub prefix: String,
    pub role: Role,
    /// Tenant of the token. Null: the token is of all tenants.
    pub tenant: Option<Tenant>,
    /// Providers that the token may use. Null: all that its tenant may use.
    pub providers: Option<Vec<ProviderId>>,
    /// Largest use of all runs that the token submits. Null: not limited.
    pub budget: Option<Budget>,
    /// Rest of the budget; null without one.
    pub budget_left: Option<RunBudgetLeft>,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub expires_at: Option<Timestamp>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub revoked_at: Option<Timestamp>,
    /// Time of the last use, to the hour. Null: the token was never used.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub last_used_at: Option<Timestamp>,
}

/// A token that was created now. Its secret is not shown again.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedToken {
    #[serde(flatten)]
    pub token: Token,
    /// The token itself, to be sent as `Authorization: Bearer <secret>`.
    pub secret: String,
}

// Not derived, because that would print the secret.
impl fmt::Debug for CreatedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreatedToken").field("token", &self.token).finish_non_exhaustive()
    }
}
