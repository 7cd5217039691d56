use ring::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};

use crate::generate_hex;

/// Beginning of every token, by which people and secret scanners recognise one.
const KIND: &str = "rmt_";
/// Number of hex digits after [`KIND`] that are no secret: the token is found and shown by them.
const SHOWN: usize = 12;
/// Number of hex digits of the secret part: 256 bits.
const HIDDEN: usize = 64;

/// A new bearer token. It is stored as its prefix and its hash.
pub struct Bearer {
    pub secret: SecretString,
    pub prefix: String,
    pub hash: [u8; 32],
}

impl Bearer {
    /// Generates a token from the operating system's random numbers.
    pub fn generate() -> Self {
        let (shown, hidden) = (generate_hex(), generate_hex());
        let prefix = format!("{KIND}{}", &shown.expose_secret()[..SHOWN]);
        let secret = SecretString::from(format!("{prefix}{}", hidden.expose_secret()));
        let hash = bearer_hash(secret.expose_secret());
        Self { secret, prefix, hash }
    }
}

/// Returns the prefix of a text that has the form of a token.
pub fn bearer_prefix(text: &str) -> Option<&str> {
    let digits = text.strip_prefix(KIND)?;
    let fits = digits.len() == SHOWN + HIDDEN && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    fits.then(|| &text[..KIND.len() + SHOWN])
}

/// Returns the SHA-256 of a token. A slow hash would add nothing, because the secret part is random and has 256 bits.
pub fn bearer_hash(text: &str) -> [u8; 32] {
    digest(&SHA256, text.as_bytes()).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_by_its_prefix_and_known_by_its_hash() {
        let (one, other) = (Bearer::generate(), Bearer::generate());
        let text = one.secret.expose_secret();
        assert_eq!(bearer_prefix(text), Some(one.prefix.as_str()));
        assert_eq!(bearer_hash(text), one.hash);
        assert_ne!((&one.prefix, one.hash), (&other.prefix, other.hash));
    }

    #[test]
    fn another_text_has_no_prefix() {
        let token = Bearer::generate();
        let text = token.secret.expose_secret();
        for wrong in [
            "",
            "rmt_",
            &text[1..],
            &text[..text.len() - 1],
            &format!("{text}0"),
            &text.replace("rmt_", "rmt_é"),
        ] {
            assert_eq!(bearer_prefix(wrong), None, "{wrong}");
        }
    }
}
