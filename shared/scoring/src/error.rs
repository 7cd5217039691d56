use runmill_proto::Scoring;

/// Error for a scorer that cannot be used as it is configured.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ScoringError {
    #[error("not a scorer: {0}")]
    Json(String),
    #[error("`{name}` is no setting of the scorer, which has {}", named(known))]
    Setting { name: String, known: &'static [&'static str] },
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

fn named(settings: &[&str]) -> String {
    if settings.is_empty() { "none".to_owned() } else { format!("`{}`", settings.join("`, `")) }
}
