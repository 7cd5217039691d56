use runmill_proto::Score;

/// A [`Score`] before it is known whose it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mark {
    pub value: Option<f64>,
    pub extracted: Option<String>,
    pub detail: Option<String>,
}

/// What is kept of an extracted answer. The whole answer is in the result beside it.
const EXTRACTED_MAX_CHARS: usize = 200;

impl Mark {
    pub fn scored(value: f64, extracted: impl AsRef<str>) -> Self {
        let extracted = extracted.as_ref().chars().take(EXTRACTED_MAX_CHARS).collect();
        Self { value: Some(value), extracted: Some(extracted), detail: None }
    }

    /// 1 for right, 0 for wrong.
    pub fn right(right: bool, extracted: impl AsRef<str>) -> Self {
        Self::scored(if right { 1.0 } else { 0.0 }, extracted)
    }

    pub fn unscored(detail: impl Into<String>) -> Self {
        Self { value: None, extracted: None, detail: Some(detail.into()) }
    }

    pub fn into_score(self, scorer: &str) -> Score {
        Score { scorer: scorer.into(), value: self.value, extracted: self.extracted, detail: self.detail }
    }
}

/// For scorers that compare with a single reference.
pub(crate) fn with_one(references: &[String], mark: impl FnOnce(&str) -> Mark) -> Mark {
    match references {
        [reference] => mark(reference),
        _ => Mark::unscored("this scorer takes one reference, and the item has a list"),
    }
}
