use runmill_proto::ItemFault;
use serde_json::{Number, Value};

/// Error for a row that is not an item.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    #[error("{0}{hint}", hint = hint(.0))]
    NotAnItem(#[from] ItemFault),
    #[error("it has `inputs.{0}`, which runmill cannot send; remove it to ask the rest of the question")]
    Unsent(&'static str),
    #[error("it has no field `{name}`; its fields are {}", .present.join(", "))]
    MissingField { name: String, present: Vec<String> },
    #[error("choices: {0}")]
    ChoicesNotJson(#[source] serde_json::Error),
    #[error("choices: {0} is neither a list nor a text")]
    ChoicesType(Value),
    #[error("answer: {0} is not the number of a choice")]
    AnswerNumber(Number),
    #[error("answer: there is no choice number {0}; choices are counted from 0")]
    AnswerIndex(u64),
}

fn hint(fault: &ItemFault) -> &'static str {
    match fault {
        ItemFault::Image(..) => "",
        _ => ". For other field names use --map, as --map question=prompt,answer=target",
    }
}
