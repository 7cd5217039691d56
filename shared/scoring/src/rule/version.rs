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
            // Version 1 read the thinking of a model as its answer. Version 2 took `"so."` and `"so".` for different texts,
            // the letter of one choice with the text of another for the letter, and "1 hour and 30 minutes" for 30.
            Self::Exact | Self::Regex(_) | Self::Numeric { .. } | Self::Choice => 3,
            // Version 1 of `includes` read the thinking, too. That of `json` found that 19.99 is no multiple of 0.01, that
            // of `match` that "Answer: 5" is exactly a number; that of `math` read numbers as version 2 of `numeric`.
            Self::Includes(_)
            | Self::Match(_)
            | Self::Pattern(_)
            | Self::Answer(_)
            | Self::Json(_)
            | Self::Math => 2,
            Self::F1 | Self::Code | Self::None => 1,
        }
    }
}
