use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    RunId,
    message::{Call, JobKey},
};

/// `deferred.v1`, executor to log-sink: not now. The job is fed again when its time has come; its slot
/// is free meanwhile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deferred {
    pub run_id: RunId,
    pub ordinal: u32,
    pub sample: u32,
    pub epoch: u32,
    /// Of the job that is deferred.
    pub attempt: u32,
    /// Attempts that have failed so far, over all times that it was fed; waits for a rate limit do not count.
    #[serde(default, skip_serializing_if = "super::job::is_zero")]
    pub failures: u32,
    /// Not fed again before. Of a deferral that pauses its run: when the run tries again by itself.
    pub not_before: Timestamp,
    pub reason: String,
    /// The whole lane must stop: the run is paused with the reason, until someone resumes it or `not_before`.
    #[serde(default)]
    pub pause: bool,
    /// What was tried. Its id also tells a deferral from its redelivery.
    pub call: Call,
}

impl Deferred {
    /// What users are told when a worker's shutdown interrupts their run.
    pub const WORKER_SHUTDOWN: &str = "Worker shutdown requested; retrying run after interruption.";

    pub const fn key(&self) -> JobKey {
        JobKey { run_id: self.run_id, ordinal: self.ordinal, sample: self.sample }
    }
}
