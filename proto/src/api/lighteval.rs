use serde::{Deserialize, Serialize};

/// Result of LightEval.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LightevalOutcome {
    /// LightEval's own metrics. They count a sample without an answer as wrong; the run's score leaves it out.
    pub metrics: Vec<LightevalMetric>,
    /// Number of samples.
    pub samples: u64,
    /// Number of samples without an answer.
    pub unanswered: u64,
    /// Reason why LightEval failed, or why samples have no answer. Null if all of them have one.
    pub reason: Option<String>,
}

/// Metric of a task, over all of its samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LightevalMetric {
    /// Name of the task with its number of examples, such as `gsm8k|0`, or `all`.
    pub task: String,
    pub name: String,
    pub value: f64,
}

impl LightevalOutcome {
    /// Returns the result of an evaluation that failed.
    pub fn failed(reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..Self::default() }
    }
}
