//! Base64 with padding, of RFC 4648, section 4: the few bytes of secrets and signatures need no crate.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Number of characters that stand for three bytes.
const GROUP: usize = 4;

pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * GROUP);
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| (bits << 8) | u32::from(chunk.get(at).copied().unwrap_or(0)));
        for at in 0..GROUP {
            // A chunk of n bytes has n + 1 characters, and padding after them.
            let index = (bits >> (18 - 6 * at)) as usize & 63;
            text.push(if at <= chunk.len() { ALPHABET[index].into() } else { '=' });
        }
    }
    text
}

/// Returns `None` if the text is not what [`encode`] would write.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / GROUP * 3);
    for chunk in text.as_bytes().chunks(GROUP) {
        let padding = chunk.iter().rev().take_while(|char| **char == b'=').count();
        if chunk.len() != GROUP || padding > 2 {
            return None;
        }
        let mut bits = 0;
        for char in &chunk[..GROUP - padding] {
            let index = ALPHABET.iter().position(|known| known == char)?;
            bits = (bits << 6) | u32::try_from(index).ok()?;
        }
        bits <<= 6 * padding;
        bytes.extend_from_slice(&bits.to_be_bytes()[1..GROUP - padding]);
    }
    // This also refuses padding inside of the text, and bits behind the last byte.
    (encode(&bytes) == text).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::any, proptest};

    use super::*;

    #[test]
    fn examples_of_the_rfc() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text).as_deref(), Some(bytes.as_bytes()), "{text}");
        }
    }

    #[test]
    fn what_is_no_base64_is_refused() {
        for wrong in ["Z", "Zg", "Zg=", "Zh==", "Z===", "====", "Zg==Zg==", "Zm9*", "Zm 9v", "é==="] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(bytes in vec(any::<u8>(), 0..100)) {
            assert_eq!(decode(&encode(&bytes)), Some(bytes));
        }
    }
}
