use serde::{Deserialize, Serialize};

/// A token of the answer, and how likely it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenLogprob {
    pub token: String,
    /// Natural logarithm of the token's probability.
    pub logprob: f64,
    /// The most likely tokens at this place, the most likely first, if they were requested.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub top_logprobs: Vec<TopLogprob>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TopLogprob {
    pub token: String,
    pub logprob: f64,
}
