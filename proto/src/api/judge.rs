use serde::{Deserialize, Serialize};

use crate::{Judge, RunId, RunStatus, ScoreSummary};

/// A judge of a run's answers, with its progress.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JudgeProgress {
    /// Run of the judge's calls: a run of its own, which steers, retries and records them.
    pub run_id: RunId,
    pub judge: Judge,
    pub status: RunStatus,
    /// Score of the run by this judge. Answers without a verdict, and items without an answer, lower its coverage.
    pub score: ScoreSummary,
    /// Number of verdicts to be given, and of those that are given or failed.
    pub total: u64,
    pub settled: u64,
    /// Number of verdicts that failed; items without an answer are among them.
    pub failed: u64,
    pub calls: u64,
    pub tokens: u64,
    /// Cost of the calls whose prices are known, in billionths of a US dollar. Null if no price is known.
    pub cost_nanousd: Option<i64>,
    /// Reason why the judge is paused. Null if it is not.
    pub pause_reason: Option<String>,
}

/// Verdicts on one answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JudgedResult {
    pub ordinal: u32,
    pub sample: u32,
    pub item_id: String,
    /// One for each judge that has judged the answer, in the order of the run's judges.
    pub verdicts: Vec<Verdict>,
    /// Value that most judges give; of several the mean. Null without a verdict.
    pub vote: Option<f64>,
}

/// Verdict of one judge on one answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Verdict {
    /// Number of the judge among the run's judges, from 0.
    pub judge: u32,
    /// Value from 0 to 1. Null if the judge failed or its answer has no verdict.
    pub value: Option<f64>,
    /// The judge's verdict as it stands in its answer; for a pairwise judge both, in the order in which they were asked.
    pub verdict: Option<String>,
    /// True if the verdict of a pairwise judge changed with the order of the answers.
    #[serde(default)]
    pub is_flipped: bool,
    /// Text of the judge.
    pub text: Option<String>,
    /// Reason why there is no value.
    pub reason: Option<String>,
}

/// Agreement of a run's judges.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Agreement {
    /// Krippendorff's alpha for nominal verdicts: 1 is full agreement, and 0 that of chance. Null with fewer than two judges,
    /// or without answers that two have judged.
    pub alpha: Option<f64>,
    /// Number of answers that at least two judges have judged.
    pub answers: u64,
    /// Number of answers on which all of their judges agree.
    pub agreed: u64,
    /// Number of verdicts that changed with the order of the answers.
    pub flipped: u64,
    /// Score of the run by the vote of its judges.
    pub vote: ScoreSummary,
}
