use runmill_proto::Scoring;

/// Error for a scorer that cannot be used as it is configured.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ScoringError {
    #[error("not a scorer: {0}")]
    Json(String),
    #[error("the tolerance {range}", range = Scoring::TOLERANCE)]
    Tolerance,
    #[error("the regex scorer needs a pattern")]
    NoPattern,
    #[error("the pattern cannot be used: {0}")]
    Pattern(regex::Error),
    #[error("the pattern has no group {0}")]
    NoGroup(usize),
    #[error("the schema cannot be used: {0}")]
    Schema(String),
}
