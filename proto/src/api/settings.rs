use serde::{Deserialize, Serialize};

/// Workspace settings: what holds where neither run nor provider says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub request: RequestSettings,
    pub retry: RetrySettings,
}

/// Time-outs of one attempt, in seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct RequestSettings {
    pub connect_timeout_seconds: f64,
    pub first_token_timeout_seconds: f64,
    /// The longest silence between two tokens.
    pub idle_timeout_seconds: f64,
    pub total_timeout_seconds: f64,
}

impl Default for RequestSettings {
    fn default() -> Self {
        Self {
            connect_timeout_seconds: 10.0,
            first_token_timeout_seconds: 120.0,
            idle_timeout_seconds: 60.0,
            total_timeout_seconds: 600.0,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct RetrySettings {
    /// Attempts after the first; waiting for a rate limit does not count.
    pub max_retries: u32,
    /// The backoff's first ceiling; it doubles with each attempt.
    pub backoff_base_seconds: f64,
    pub backoff_max_seconds: f64,
    /// A longer wait than this frees the slot and defers the job.
    pub wait_max_seconds: f64,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self { max_retries: 4, backoff_base_seconds: 0.5, backoff_max_seconds: 30.0, wait_max_seconds: 30.0 }
    }
}
