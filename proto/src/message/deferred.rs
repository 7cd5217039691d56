use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    PauseCause, RunId,
    message::{Call, JobKey},
};

/// `deferred.v1`, from an executor to a log-sink: the job has to be fed to the queue again later. Meanwhile it holds
/// no slot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deferred {
    pub run_id: RunId,
    pub ordinal: u32,
    pub sample: u32,
    pub epoch: u32,
    /// Number of times that the job was fed to the queue before this one.
    pub attempt: u32,
    /// Number of failed attempts so far, over all times that the job was fed; waits for a rate limit do not count.
    #[serde(default, skip_serializing_if = "super::job::is_zero")]
    pub failures: u32,
    /// Earliest time to feed the job again. If the deferral pauses a run that has an answer, the time at which the run
    /// resumes by itself.
    pub not_before: Timestamp,
    pub reason: String,
    /// True if the run has to be paused, with the reason: until a user resumes it, until its provider is changed or, if
    /// it has an answer, until `not_before`.
    #[serde(default)]
    pub pause: bool,
    /// Cause of the pause, if it is a budget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause_cause: Option<PauseCause>,
    /// True if the provider could not be reached. A run that it has never answered is then paused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unreachable: bool,
    /// The call that was deferred, perhaps before its first attempt. By its id, a redelivery of this message is
    /// recognised.
    pub call: Call,
}

impl Deferred {
    /// Reason that users see when a worker's shutdown interrupts their run.
    pub const WORKER_SHUTDOWN: &str = "Worker shutdown requested; retrying run after interruption.";

    pub const fn key(&self) -> JobKey {
        JobKey { run_id: self.run_id, ordinal: self.ordinal, sample: self.sample }
    }
}
