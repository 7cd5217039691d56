use async_trait::async_trait;
use runmill_proto::{
    DatasetId, ErrorKind, InvocationId, Outcome, RunId,
    api::{CallSummary, InvocationRecord, ResultOrder, ResultRecord, ScoreClass},
    message::JobKey,
};

use crate::StoreError;

/// Results that are read. The default is all of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResultFilter {
    /// Outcomes of which a result has one. Empty stands for any.
    pub outcomes: Vec<Outcome>,
    /// Kinds of error of which a result has one. Empty stands for any, and for none.
    pub error_kinds: Vec<ErrorKind>,
    pub item_id: Option<String>,
    /// Class of the score that the executor gave.
    pub score: Option<ScoreClass>,
    /// Text that the response, the error or the item's id contains. Cases of ASCII letters are the same.
    pub text: Option<String>,
    /// Ordinal before which results are read: a search for a text reads every result up to there.
    pub before: Option<u32>,
    /// Order other than the dataset's. The slowest are of the run's [`SLOWEST_MAX`] slowest calls.
    pub order: Option<ResultOrder>,
}

/// Number of the slowest calls from which a list of the slowest results is made.
pub const SLOWEST_MAX: u32 = 1_000;

impl ResultFilter {
    pub(crate) fn outcome_names(&self) -> Vec<&'static str> {
        self.outcomes.iter().map(|outcome| outcome.as_str()).collect()
    }

    /// Returns the pattern of `LIKE` for the text.
    pub(crate) fn pattern(&self) -> Option<String> {
        let text = self.text.as_ref()?;
        let escaped = text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
        Some(format!("%{escaped}%"))
    }

    pub(crate) fn kind_names(&self) -> Vec<&'static str> {
        self.error_kinds.iter().map(|kind| kind.as_str()).collect()
    }
}

/// Fields of the items' `meta` that are read with the scores.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScoreFields {
    pub group: Option<String>,
    pub cluster: Option<String>,
}

/// Score of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct JobScore {
    pub ordinal: u32,
    pub sample: u32,
    pub item_id: String,
    /// `None` if the scorer could not read the answer.
    pub value: Option<f64>,
    /// Values of the fields as text. `None` for a field that the item does not have, or that was not asked for.
    pub group: Option<String>,
    pub cluster: Option<String>,
}

/// Text of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    pub ordinal: u32,
    pub sample: u32,
    pub response: String,
}

/// Result of a job, as far as a judge needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedRow {
    pub ordinal: u32,
    /// Text of the answer. `None` if the job has no answer.
    pub response: Option<String>,
    /// What the scorer took as the answer.
    pub extracted: Option<String>,
}

/// Result of a job with its call and its item.
#[derive(Clone, Debug, PartialEq)]
pub struct DetailedRow {
    pub result: ResultRecord,
    /// `None` if the result was recorded without a call.
    pub call: Option<CallSummary>,
    /// Body of the item. `None` if the items are not asked for, or the dataset has none at this ordinal.
    pub item: Option<String>,
}

impl DetailedRow {
    /// Number of bytes of texts from which on a page takes no further row.
    pub const PAGE_BYTES: usize = 8 * 1024 * 1024;

    /// Returns the number of bytes of the texts that can be long.
    pub fn bytes(&self) -> usize {
        let ResultRecord { response, reasoning, .. } = &self.result;
        [&self.item, response, reasoning].into_iter().flatten().map(String::len).sum()
    }
}

/// Reads the results of jobs and the calls that were made for them.
#[async_trait]
pub trait ResultReader: Send + Sync {
    /// Returns at most `limit` results that `filter` lets through, in its order, beginning after `after`. In another order
    /// than that of ordinal and sample, `after` has no meaning.
    async fn results(
        &self,
        id: RunId,
        filter: &ResultFilter,
        after: Option<JobKey>,
        limit: u32,
    ) -> Result<Vec<ResultRecord>, StoreError>;

    /// Returns the scores of at most `limit` answers by ordinal and sample, beginning after `after`. Answers without a score
    /// are left out.
    async fn scores(
        &self,
        id: RunId,
        fields: &ScoreFields,
        after: Option<JobKey>,
        limit: u32,
    ) -> Result<Vec<JobScore>, StoreError>;

    /// Returns at most `limit` answers that have a text, by ordinal and sample, beginning after `after`.
    async fn answers(
        &self,
        id: RunId,
        after: Option<JobKey>,
        limit: u32,
    ) -> Result<Vec<StoredAnswer>, StoreError>;

    /// Returns the results of one sample of `count` items from `first` on, as far as they are recorded, by ordinal.
    async fn judged(
        &self,
        id: RunId,
        sample: u32,
        first: u32,
        count: u32,
    ) -> Result<Vec<JudgedRow>, StoreError>;

    /// As [`results`](Self::results), with the calls of the results and, if `items_of` is given, with its items. A page ends
    /// early once its texts have [`DetailedRow::PAGE_BYTES`]; it has at least one row unless there is none.
    async fn detailed_results(
        &self,
        id: RunId,
        items_of: Option<DatasetId>,
        filter: &ResultFilter,
        after: Option<JobKey>,
        limit: u32,
    ) -> Result<Vec<DetailedRow>, StoreError>;

    /// Returns those of the invocations that are recorded, in any order.
    async fn invocations_of(
        &self,
        id: RunId,
        ids: &[InvocationId],
    ) -> Result<Vec<InvocationRecord>, StoreError>;

    /// Returns at most `limit` invocations in the order of their ids, beginning after `after`.
    async fn invocations(
        &self,
        id: RunId,
        after: Option<InvocationId>,
        limit: u32,
    ) -> Result<Vec<InvocationRecord>, StoreError>;
}
