use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ProviderId, RunId};

/// `control.v1`, to every process. A hint that makes things quick: whoever misses one finds the same in
/// the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Control {
    RunCanceled {
        run_id: RunId,
    },
    RunPaused {
        run_id: RunId,
    },
    RunResumed {
        run_id: RunId,
    },
    /// No executor calls this provider before `until`.
    LaneCooldown {
        provider_id: ProviderId,
        until: Timestamp,
        reason: String,
    },
    ProviderChanged {
        provider_id: ProviderId,
    },
    SettingsChanged,
    /// A kind that a newer process sends; skipped.
    #[serde(other)]
    Unknown,
}
