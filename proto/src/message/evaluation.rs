use serde::{Deserialize, Serialize};

use crate::{ErrorKind, RunId, Score, api::LightevalOutcome};

/// `evaluation.v1`, from an executor to a log-sink: a part of what LightEval did for a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    pub run_id: RunId,
    /// Number of the claim under which the executor runs LightEval. A part of an earlier claim than the store's does not
    /// count.
    pub attempt: u32,
    pub part: EvaluationPart,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvaluationPart {
    /// Lines of LightEval's log.
    Lines {
        /// Number of this part among those of the attempt, from 1.
        number: u64,
        lines: Vec<String>,
    },
    /// Consecutive samples. The parts with samples come before the end, and have all of them.
    Samples {
        /// Number of all samples of the run.
        total: u32,
        /// Position of the first sample of this part.
        first: u32,
        samples: Vec<EvaluatedSample>,
    },
    /// LightEval ended, and at least one sample has an answer.
    Completed {
        outcome: LightevalOutcome,
        /// Version hash of the dataset that the samples are.
        version_hash: String,
    },
    /// There is no evaluation, for this reason.
    Failed { reason: String },
}

/// One question to the model, with its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluatedSample {
    /// Id of the item, unique in the run.
    pub item_id: String,
    /// The item, as a line of a dataset.
    pub body: String,
    /// Start of the question; see [`Invocation::preview`](super::Invocation::preview).
    pub question: String,
    #[serde(default)]
    pub response: Option<String>,
    /// Kind of the error for which there is no answer.
    #[serde(default)]
    pub error_kind: Option<ErrorKind>,
    #[serde(default)]
    pub error: Option<String>,
    #[serde(default)]
    pub score: Option<Score>,
}

impl Evaluation {
    /// Largest sum of the lengths of the texts of one part, in bytes, unless it has only one sample.
    pub const PART_BYTES_MAX: usize = 256 * 1024;
    /// Largest number of samples of one part.
    pub const PART_SAMPLES_MAX: usize = 200;
}
