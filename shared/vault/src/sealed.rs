//! The bytes of a sealed value: `format(1) | key id(8) | nonce(12) | ciphertext | tag(16)`.

use ring::aead::{MAX_TAG_LEN, NONCE_LEN};

use crate::{KeyId, OpenError};

const FORMAT: u8 = 1;
const HEADER_BYTES: usize = 1 + KeyId::BYTES + NONCE_LEN;

/// Parts of a sealed value, none of them authenticated yet.
pub(crate) struct Sealed<'a> {
    pub key_id: KeyId,
    pub nonce: [u8; NONCE_LEN],
    /// Ciphertext with the tag at its end.
    pub ciphertext: &'a [u8],
}

impl<'a> Sealed<'a> {
    pub fn parse(bytes: &'a [u8]) -> Result<Self, OpenError> {
        let (&format, rest) = bytes.split_first().ok_or(OpenError::TooShort)?;
        if format != FORMAT {
            return Err(OpenError::UnknownFormat(format));
        }
        let (&key_id, rest) = rest.split_first_chunk().ok_or(OpenError::TooShort)?;
        let (&nonce, ciphertext) = rest.split_first_chunk().ok_or(OpenError::TooShort)?;
        if ciphertext.len() < MAX_TAG_LEN {
            return Err(OpenError::TooShort);
        }
        Ok(Self { key_id: KeyId(key_id), nonce, ciphertext })
    }
}

/// Returns the header in a buffer with capacity for a ciphertext of `length` bytes and its tag.
pub(crate) fn header(key_id: KeyId, nonce: &[u8; NONCE_LEN], length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + length + MAX_TAG_LEN);
    bytes.push(FORMAT);
    bytes.extend_from_slice(&key_id.0);
    bytes.extend_from_slice(nonce);
    bytes
}
