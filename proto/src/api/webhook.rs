use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{RunId, RunStatus, ScoreSummary, Usage, api::RunCounters};

/// Address that is told when a run ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// URL to which the end of the run is posted, of at most 2048 bytes. It may have a query, which is not shown again.
    #[cfg_attr(feature = "openapi", schema(max_length = 2048))]
    pub url: String,
}

/// Webhook of a run, and what came of the requests to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Webhook {
    /// URL without its query.
    pub url: String,
    /// Number of requests for the last end of the run.
    pub attempts: u32,
    /// Time at which the receiver took the request, with a status from 200 to 299; null before.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub delivered_at: Option<Timestamp>,
    /// Time at which the last request failed after which no further one is made; null if there was none.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub abandoned_at: Option<Timestamp>,
    /// Reason why the last request failed; null if none did.
    pub last_error: Option<String>,
}

/// Body of a request to a webhook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WebhookEvent {
    /// `run.ended`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Time of the end.
    pub timestamp: Timestamp,
    pub data: EndedRun,
}

impl WebhookEvent {
    pub const RUN_ENDED: &str = "run.ended";
}

/// A run that has ended, without a text of its items or answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndedRun {
    pub id: RunId,
    pub name: Option<String>,
    pub status: RunStatus,
    pub counters: RunCounters,
    pub score: ScoreSummary,
    pub usage: Usage,
    /// Cost of all calls whose price is known. Null if no price is known.
    pub cost_usd: Option<f64>,
    pub finished_at: Timestamp,
}
