/// One wrong value of a request or a configuration; `pointer` is a JSON pointer to it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {detail}")]
pub struct ConfigFault {
    pub pointer: String,
    pub detail: String,
}
