use std::fmt::Display;

use runmill_proto::ConfigFault;
use runmill_store::StoreError;

/// Reason why a request was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum UseCaseError {
    /// The request has values that are not allowed. There is one fault for each.
    #[error("{} fields of the request are wrong", .0.len())]
    Invalid(Vec<ConfigFault>),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl UseCaseError {
    /// Returns an error if there is a fault.
    pub fn if_any(faults: Vec<ConfigFault>) -> Result<(), Self> {
        if faults.is_empty() { Ok(()) } else { Err(Self::Invalid(faults)) }
    }
}

/// Makes a fault of the value at `pointer`, a JSON pointer into the request's body.
pub fn fault(pointer: impl Into<String>, detail: impl Display) -> ConfigFault {
    ConfigFault { pointer: pointer.into(), detail: detail.to_string() }
}

/// Returns a fault if `model` is blank.
pub fn model_fault(model: &str) -> Option<ConfigFault> {
    model.trim().is_empty().then(|| fault("/model", "is required: name a model of the provider"))
}
