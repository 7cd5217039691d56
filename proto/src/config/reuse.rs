use serde::{Deserialize, Serialize};

/// Answers of earlier runs that a run takes over instead of calling its model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reuse {
    /// The model is called for every job.
    #[default]
    None,
    /// An answer to exactly the same request is taken over: same provider, model, messages, generation and sample.
    Exact,
}
