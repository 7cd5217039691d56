use crate::KeyId;

/// Error in `ENCRYPTION_KEY`. Keys are counted from 1, and no part of a key is shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error(
        "ENCRYPTION_KEY: key {position} has {digits} characters, and 64 hex digits (32 bytes) are required"
    )]
    Length { position: usize, digits: usize },
    #[error("ENCRYPTION_KEY: key {position} must have only hex digits")]
    NotHex { position: usize },
    #[error("ENCRYPTION_KEY: key {position} is the same as key {first}")]
    Duplicate { position: usize, first: usize },
}

/// Error for a sealed value that cannot be opened (decrypted).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error("it is encrypted with key {0}, which is not in ENCRYPTION_KEY; add that key after the first one")]
    UnknownKey(KeyId),
    #[error("it is encrypted in format {0}, which this release does not know")]
    UnknownFormat(u8),
    #[error("it is too short for an encrypted value")]
    TooShort,
    #[error("it was altered, or it belongs to another row")]
    Altered,
}
