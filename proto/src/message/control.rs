use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{ProviderId, RunId};

/// `control.v1`, to every process: announces a change in the store, so that it takes effect at once. A process that
/// misses it finds the change in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Control {
    RunCanceled {
        run_id: RunId,
    },
    /// No further call of the run starts, and calls in flight finish.
    RunDraining {
        run_id: RunId,
    },
    RunPaused {
        run_id: RunId,
    },
    RunResumed {
        run_id: RunId,
    },
    /// No executor may call the provider before `until`.
    LaneCooldown {
        provider_id: ProviderId,
        until: Timestamp,
        reason: String,
    },
    ProviderChanged {
        provider_id: ProviderId,
    },
    SettingsChanged,
    /// The client of a front-door call no longer waits for its answer.
    CallCanceled {
        call_id: Uuid,
    },
    /// A kind that only newer processes know; it is ignored.
    #[serde(other)]
    Unknown,
}
