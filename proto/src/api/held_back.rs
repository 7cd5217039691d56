use serde::{Deserialize, Serialize};

use crate::text_enum::text_enum;

text_enum! {
    /// Part of the installation without which a run makes no progress.
    HeldBackCause {
        /// No dispatcher feeds jobs.
        NoFeeder = "no_feeder",
        /// No executor is alive.
        NoExecutor = "no_executor",
        /// No log-sink takes the results of the run.
        NoLogSink = "no_log_sink",
        /// The broker refuses the queue of the provider's jobs.
        QueueRefused = "queue_refused",
        /// The broker does not answer.
        BrokerUnreachable = "broker_unreachable",
    }
}

/// Reason outside of the run why it makes no progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HeldBack {
    pub cause: HeldBackCause,
    /// Description of the cause, with advice.
    pub message: String,
}
