use super::Rule;

impl Rule {
    /// Returns the name of the scorer in JSON.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Includes(_) => "includes",
            Self::Regex(_) => "regex",
            Self::Numeric { .. } => "numeric",
            Self::Choice => "choice",
            Self::Match(_) => "match",
            Self::Pattern(_) => "pattern",
            Self::Answer(_) => "answer",
            Self::F1 => "f1",
            Self::Json(_) => "json",
            Self::Math => "math",
            Self::Code => "code",
            Self::None => "none",
        }
    }

    /// Returns the version of the scorer, which grows when it may score a stored answer differently.
    pub const fn version(&self) -> u32 {
        match self {
            // Version 1 read the thinking of a model as its answer.
            Self::Exact | Self::Includes(_) | Self::Regex(_) | Self::Numeric { .. } | Self::Choice => 2,
            Self::Match(_)
            | Self::Pattern(_)
            | Self::Answer(_)
            | Self::F1
            | Self::Json(_)
            | Self::Math
            | Self::Code
            | Self::None => 1,
        }
    }
}
