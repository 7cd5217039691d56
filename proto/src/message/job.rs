use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{DatasetId, JobConfig, ProviderId, RunId};

/// Names a job: one answer to one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobKey {
    pub run_id: RunId,
    /// The item's place in its dataset, from 0.
    pub ordinal: u32,
    /// Number of the sample among the run's independent answers, from 0.
    pub sample: u32,
}

impl std::fmt::Display for JobKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.run_id, self.ordinal, self.sample)
    }
}

/// `job.v1`, dispatcher to executor: answer this item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    pub run_id: RunId,
    pub ordinal: u32,
    pub sample: u32,
    /// The run's pass; a result of an earlier pass no longer counts.
    pub epoch: u32,
    /// Kind of the work; a job without one is of an earlier release, and asks for an answer.
    #[serde(default, skip_serializing_if = "JobKind::is_answer")]
    pub kind: JobKind,
    /// Number of times that this job was fed before, from 0.
    pub attempt: u32,
    /// Failed attempts of the earlier feedings; they count towards the job's retries.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failures: u32,
    pub provider_id: ProviderId,
    pub model: String,
    pub item: JobItem,
    #[serde(default)]
    pub config: JobConfig,
    /// No call starts after this moment.
    #[serde(default)]
    pub deadline: Option<Timestamp>,
}

/// The work that a job asks for. A reader that knows the field refuses a kind that it does not know; earlier
/// releases skip the field, so a kind that they must not take needs a new version of the message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// The model answers the item.
    #[default]
    Answer,
}

impl JobKind {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    const fn is_answer(&self) -> bool {
        matches!(self, Self::Answer)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobItem {
    /// The item as the JSON that was uploaded, so that the feeder need not parse it.
    Inline(String),
    /// The dataset, in the store, of an item above [`JobItem::INLINE_MAX_BYTES`].
    Reference(DatasetId),
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
pub(super) const fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl JobItem {
    /// The largest item that travels in its message.
    pub const INLINE_MAX_BYTES: u32 = 64 * 1024;
}

impl Job {
    /// Deliveries after which a job ends as `poisoned`: perhaps it kills its executors. Below the broker's own limit, so
    /// that the job ends with a result and not in the dead-letter queue.
    pub const DELIVERIES_MAX: u32 = 10;

    pub const fn key(&self) -> JobKey {
        JobKey { run_id: self.run_id, ordinal: self.ordinal, sample: self.sample }
    }
}
