use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ReusedAnswer;
use crate::{DatasetId, JobConfig, ProviderId, RunId};

/// Identifies a job: one answer to one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobKey {
    pub run_id: RunId,
    /// Place of the item in its dataset, from 0.
    pub ordinal: u32,
    /// Number of the sample among the run's independent answers, from 0.
    pub sample: u32,
}

impl std::fmt::Display for JobKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.run_id, self.ordinal, self.sample)
    }
}

/// `job.v1`, from the dispatcher to an executor: asks for an answer to this item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    pub run_id: RunId,
    pub ordinal: u32,
    pub sample: u32,
    /// Pass of the run: each `retry-failed` starts a new one. A result of an earlier pass no longer counts.
    pub epoch: u32,
    /// Kind of the work. A job of an earlier release has none, and asks for an answer.
    #[serde(default, skip_serializing_if = "JobKind::is_answer")]
    pub kind: JobKind,
    /// Number of times that this job was fed to the queue before.
    pub attempt: u32,
    /// Number of failed attempts of all earlier times that the job was fed; they count towards its retries.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failures: u32,
    /// True if the same job may be in a queue or at an executor already: the feeder does not know if its last publish
    /// arrived, or the job seems to be lost. An executor asks the others before it calls the provider.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub possible_copy: bool,
    /// Term of the feeder that published this. A job of an earlier term than the newest is treated as a possible copy.
    #[serde(default, skip_serializing_if = "is_zero_term")]
    pub term: u64,
    /// Number of executors that died while they held the job.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub crashes: u32,
    pub provider_id: ProviderId,
    pub model: String,
    pub item: JobItem,
    /// Answer to judge, for a job of a judge. `None`: the item has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged: Option<JudgedAnswer>,
    /// Answer of an earlier run, which takes the place of a call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reused: Option<Box<ReusedAnswer>>,
    #[serde(default)]
    pub config: JobConfig,
    /// Time after which no call starts.
    #[serde(default)]
    pub deadline: Option<Timestamp>,
}

/// Work that a job asks for. A release that knows this field refuses a kind that it does not know. Earlier releases
/// skip the field, so a kind that they must not execute needs a new version of the message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// The model answers the item.
    #[default]
    Answer,
    /// The model judges an answer to the item.
    Judge,
}

/// Answer that is judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JudgedAnswer {
    Text(String),
    /// The answer is larger than [`JudgedAnswer::BYTES_MAX`]; this is its size in bytes. A part of it is not judged, because
    /// the verdict would be about another answer.
    TooLarge(u64),
}

impl JudgedAnswer {
    /// Largest size of an answer that is judged.
    pub const BYTES_MAX: usize = 256 * 1024;

    pub fn of(text: String) -> Self {
        if text.len() > Self::BYTES_MAX { Self::TooLarge(text.len() as u64) } else { Self::Text(text) }
    }
}

impl JobKind {
    pub const fn is_answer(&self) -> bool {
        matches!(self, Self::Answer)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobItem {
    /// The item as the JSON text that was uploaded, so that the feeder need not parse it.
    Inline(String),
    /// The dataset from which the executor reads the item, because it is larger than [`JobItem::INLINE_MAX_BYTES`].
    Reference(DatasetId),
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
pub(super) const fn is_zero(count: &u32) -> bool {
    *count == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_zero_term(term: &u64) -> bool {
    *term == 0
}

impl JobItem {
    /// Largest size of an item that is sent within the message.
    pub const INLINE_MAX_BYTES: u32 = 64 * 1024;
}

impl Job {
    pub const fn key(&self) -> JobKey {
        JobKey { run_id: self.run_id, ordinal: self.ordinal, sample: self.sample }
    }
}
