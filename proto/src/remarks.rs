use serde::{Deserialize, Deserializer, Serialize};

use crate::text_enum::text_enum;

text_enum! {
    /// A change of a request's form, after which the provider accepted it.
    Fix {
        /// A buffered answer was asked for, because the model does not stream.
        Buffered = "buffered",
        /// A stream was asked for, because the model only streams.
        Streamed = "streamed",
        NoStreamOptions = "no_stream_options",
        /// The other one of `max_tokens` and `max_completion_tokens` was sent.
        OtherTokenLimit = "other_token_limit",
        /// The model's name was sent with its prefix.
        FullModelName = "full_model_name",
        /// The model's name was sent without its prefix.
        ShortModelName = "short_model_name",
        /// The system prompt was put before the question, because the model has no system role.
        SystemInQuestion = "system_in_question",
        NoTemperature = "no_temperature",
        NoTopP = "no_top_p",
        NoTopK = "no_top_k",
        NoSeed = "no_seed",
        NoPresencePenalty = "no_presence_penalty",
        NoFrequencyPenalty = "no_frequency_penalty",
        NoRepetitionPenalty = "no_repetition_penalty",
        /// `repeat_penalty`, the other name of `repetition_penalty`, was left out.
        NoRepeatPenalty = "no_repeat_penalty",
    }
}

text_enum! {
    /// A shortcoming of an answer that counts nevertheless.
    Note {
        /// The answer has text, and the provider counted no tokens for it.
        UsageNotTold = "usage_not_told",
        /// A count of the usage could not be read, and is unknown.
        UsageUnreadable = "usage_unreadable",
        /// JSON was asked for, and the answer is none.
        FormatNotHeld = "format_not_held",
        /// Log probabilities were asked for, and the answer has none.
        NoLogprobs = "no_logprobs",
        /// The stream ended without its end mark, after a stop reason.
        NoEndMark = "no_end_mark",
        /// The provider says that the model stopped, at exactly the token limit that was asked for.
        StoppedAtLimit = "stopped_at_limit",
        /// The answer names another model than the one that was asked for.
        OtherModel = "other_model",
    }
}

/// Remarks on a call that was answered: how its request differs from what was asked for, and what its answer lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Remarks {
    /// Changes of the request's form that were negotiated with the provider, by this call or an earlier one.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "known")]
    pub fixes: Vec<Fix>,
    /// Shortcomings of the answer.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "known")]
    pub notes: Vec<Note>,
    /// Model that the answer names, if it is another than the one that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<String>,
}

impl Remarks {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Reads a list of names, without those that only a later release knows.
fn known<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr,
{
    let names = Vec::<String>::deserialize(deserializer)?;
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_later_release_are_left_out() {
        let read: Remarks =
            serde_json::from_str(r#"{"fixes":["buffered","folded"],"notes":["loud"]}"#).unwrap();
        assert_eq!(read, Remarks { fixes: vec![Fix::Buffered], ..Remarks::default() });
    }
}
