/// Error for one value of a request or a configuration; `pointer` is the JSON pointer to the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {detail}")]
pub struct ConfigFault {
    pub pointer: String,
    pub detail: String,
}
