use crate::{
    fields::TOKENS,
    rates::{EACH, PER_MILLION, PER_TOKEN},
    uplift::FACTORS,
};

/// Error for a text that is no price table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PriceTableError {
    /// Message of the JSON parser, with the line and column.
    #[error("not JSON: {0}")]
    Json(String),
    #[error(
        "neither a price table, which has `models`, nor LiteLLM's, whose entries have `input_cost_per_token` and \
         `output_cost_per_token`"
    )]
    Shape,
    #[error("model `{model}`: must be an object")]
    NotAnObject { model: String },
    #[error("field `{field}`: {fault}")]
    Field { field: String, fault: FieldFault },
    #[error("model `{model}`, field `{field}`: {fault}")]
    Model { model: String, field: String, fault: FieldFault },
}

/// Error for a value that a field of a price table cannot have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldFault {
    #[error("is missing")]
    Missing,
    #[error("is not known; known fields are {}", known.join(", "))]
    Unknown { known: Vec<String> },
    #[error("must be an object")]
    NotAnObject,
    #[error("must be a list")]
    NotAList,
    #[error("must be a text")]
    NotAText,
    #[error("must be a day, as 2026-01-31")]
    NotADay,
    #[error("{PER_MILLION} (US dollars per million tokens)")]
    PerMillion,
    #[error("{PER_TOKEN} (US dollars per token)")]
    PerToken,
    #[error("{EACH} (US dollars)")]
    Each,
    #[error("{FACTORS}")]
    Factor,
    #[error("{TOKENS} (tokens)")]
    Count,
    #[error("must be a list whose first entry {TOKENS} (tokens)")]
    First,
    #[error("must be more than that of the previous tier")]
    NotAscending,
    #[error("must begin with a range from 0, because there is no price for smaller prompts")]
    NotFromZero,
    #[error("must be hours of UTC, as 16:30-00:30, or a list of such")]
    NotHours,
    #[error("must be a list of days of the week, from 1 (Monday) to 7, or their English names")]
    NotWeekdays,
    #[error("must be one of {}", known.join(", "))]
    NotAZone { known: Vec<&'static str> },
}
