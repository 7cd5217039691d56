/// Why a text is no price table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PriceTableError {
    /// With the line and column.
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
    Field { field: String, fault: String },
    #[error("model `{model}`, field `{field}`: {fault}")]
    Model { model: String, field: String, fault: String },
}
