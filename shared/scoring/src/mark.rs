use runmill_proto::Score;

/// A [`Score`] without the name of its scorer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mark {
    pub value: Option<f64>,
    pub extracted: Option<String>,
    pub detail: Option<String>,
}

/// Largest length of an extracted answer; the rest is cut off. The result has the whole answer too.
const EXTRACTED_MAX_CHARS: usize = 200;

impl Mark {
    pub fn scored(value: f64, extracted: impl AsRef<str>) -> Self {
        let extracted = extracted.as_ref().chars().take(EXTRACTED_MAX_CHARS).collect();
        Self { value: Some(value), extracted: Some(extracted), detail: None }
    }

    /// Returns 1 for right and 0 for wrong.
    pub fn right(right: bool, extracted: impl AsRef<str>) -> Self {
        Self::scored(if right { 1.0 } else { 0.0 }, extracted)
    }

    pub fn unscored(detail: impl Into<String>) -> Self {
        Self { value: None, extracted: None, detail: Some(detail.into()) }
    }

    pub fn into_score(self, scorer: &str, version: u32) -> Score {
        Score {
            scorer: scorer.into(),
            version,
            value: self.value,
            extracted: self.extracted,
            detail: self.detail,
        }
    }
}
