use std::fmt;

use ring::{
    aead::{AES_256_GCM, LessSafeKey, UnboundKey},
    digest::{SHA256, digest},
};
use zeroize::Zeroizing;

use crate::KeyError;

pub(crate) const KEY_BYTES: usize = 32;

/// Id of the key that sealed a value: the first 8 bytes of the key's SHA-256. It reveals nothing about the key, which is
/// 256 random bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyId(pub(crate) [u8; KeyId::BYTES]);

impl KeyId {
    pub(crate) const BYTES: usize = 8;
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

pub(crate) struct Key {
    pub id: KeyId,
    pub aead: LessSafeKey,
}

impl Key {
    /// Reads a key from 64 hex digits. `position` is its place in the list, from 1, for the error.
    pub fn parse(position: usize, hex: &str) -> Result<Self, KeyError> {
        let digits = hex.chars().count();
        if digits != 2 * KEY_BYTES {
            return Err(KeyError::Length { position, digits });
        }
        let bytes = decode(hex).ok_or(KeyError::NotHex { position })?;
        let hash = digest(&SHA256, &*bytes);
        let (id, _) = hash.as_ref().split_first_chunk().expect("SHA-256 has 32 bytes");
        let aead = UnboundKey::new(&AES_256_GCM, &*bytes).expect("AES-256 takes 32 bytes");
        Ok(Self { id: KeyId(*id), aead: LessSafeKey::new(aead) })
    }
}

fn decode(hex: &str) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks(2)) {
        let [high, low] = pair else { return None };
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

pub(crate) fn encode(bytes: &[u8; KEY_BYTES]) -> Zeroizing<String> {
    // The whole capacity is reserved at once, because a string that grows leaves copies of its bytes in memory.
    let mut hex = Zeroizing::new(String::with_capacity(2 * KEY_BYTES));
    for nibble in bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
        hex.push(char::from_digit(nibble.into(), 16).expect("four bits"));
    }
    hex
}
