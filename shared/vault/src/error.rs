use crate::KeyId;

/// What is wrong with `ENCRYPTION_KEY`. Keys are counted from 1; no part of one is ever shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error(
        "ENCRYPTION_KEY: key {position} has {digits} characters, and 64 hex digits (32 bytes) are needed"
    )]
    Length { position: usize, digits: usize },
    #[error("ENCRYPTION_KEY: key {position} has characters that are not hex digits")]
    NotHex { position: usize },
    #[error("ENCRYPTION_KEY: key {position} is the same as key {first}")]
    Duplicate { position: usize, first: usize },
}

/// Why a sealed value does not open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error("sealed under key {0}, which is not in ENCRYPTION_KEY; add that key behind the first one")]
    UnknownKey(KeyId),
    #[error("sealed in format {0}, which this release does not know")]
    UnknownFormat(u8),
    #[error("not a sealed value: too short")]
    TooShort,
    #[error("does not open: it was altered, or it belongs to another row")]
    Altered,
}
