use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ResultRecord, Verdict};
use crate::{ProviderId, Turn, Usage, text_enum::text_enum};

text_enum! {
    /// Class of an answer's score.
    ScoreClass {
        /// The score is 1.
        Right = "right",
        /// The score is below 1.
        Wrong = "wrong",
        /// The scorer could not read the answer.
        Unscored = "unscored",
    }
}

impl ScoreClass {
    /// Returns the class of a score's value.
    pub fn of(value: Option<f64>) -> Self {
        match value {
            None => Self::Unscored,
            Some(value) if value < 1.0 => Self::Wrong,
            Some(_) => Self::Right,
        }
    }
}

text_enum! {
    /// Order of results, other than the dataset's.
    ResultOrder {
        /// The result whose call took longest is first.
        Slowest = "slowest",
        /// The result that was recorded last is first.
        Newest = "newest",
        /// The result with the lowest score of the executor is first. Results without a score are left out.
        Lowest = "lowest",
    }
}

/// Which results are listed, and how. Lists have commas between their values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
pub struct ResultsQuery {
    /// Version of the scores: its number, or `executors` for those that the executors gave. Default: the version by which the
    /// run is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score_version: Option<String>,
    /// Outcomes, such as `failed,refused`. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Kinds of error, such as `total_timeout,overloaded`. Default: all, and results without an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_kind: Option<String>,
    /// Class of the score: `right` (1), `wrong` (below 1) or `unscored`. Default: all, and results without a score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<String>,
    /// Text that the answer, the error or the item's id contains, of 1 to 1000 characters. Upper and lower case of ASCII letters
    /// are the same. One page searches 200000 items at most, so it may have fewer results than `limit`, or none, although `next` says
    /// that there is more to search.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(min_length = 1, max_length = 1000))]
    pub text: Option<String>,
    /// Another order than the dataset's: `slowest`, `newest` or `lowest` (score). There is then only one page. `slowest` is of the
    /// 1000 slowest calls of the run, from which the other filters choose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
    /// Id of the item.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item_id: Option<String>,
    /// With `true`, each result has what was asked, the references, the item's other fields and what its call used.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(value_type = Option<bool>))]
    pub details: Option<String>,
}

/// Result of a job with what was asked and what its call used. A run that does not keep texts shows none of its dataset's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DetailedResult {
    #[serde(flatten)]
    pub result: ResultRecord,
    /// Text of the item.
    #[serde(default)]
    pub question: Option<String>,
    /// Messages that the model got, without images. Empty if the run's prompts are not made of a template, as those of judges.
    #[serde(default)]
    pub prompt: Vec<Turn>,
    /// Number of images that were sent with the question.
    #[serde(default)]
    pub images: u64,
    #[serde(default)]
    pub choices: Vec<String>,
    /// Right answers.
    #[serde(default)]
    pub references: Vec<String>,
    /// Other fields of the item.
    #[serde(default)]
    pub meta: Option<Value>,
    /// Null if the result was recorded without a call.
    #[serde(default)]
    pub call: Option<CallSummary>,
    /// Verdicts of the run's judges, in their order. Absent if none has judged the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verdicts: Vec<Verdict>,
}

/// Use of the call that gave a result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CallSummary {
    pub provider_id: ProviderId,
    pub model: String,
    /// Number of HTTP requests.
    pub attempts: u64,
    pub usage: Option<Usage>,
    /// Null if the cost is not known.
    pub cost_usd: Option<f64>,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub started_at: Timestamp,
    /// Milliseconds from the first request to the end of the answer.
    pub latency_ms: u64,
    /// Milliseconds from the start of the answered request to the first token.
    pub ttft_ms: Option<u64>,
}
