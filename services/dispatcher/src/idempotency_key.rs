use runmill_proto::Tenant;

/// Returns a key, or the beginning of one, as it is stored: with the tenant in front, unless it is the first. No key of a
/// client has the separator, so the keys of tenants differ.
pub fn stored_key(tenant: &Tenant, key: &str) -> String {
    if tenant.as_str() == Tenant::DEFAULT { key.to_owned() } else { format!("{tenant}\u{1f}{key}") }
}

/// Name that a client gives to a submission, so that sending it again makes no second run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

const CHARS_MAX: usize = 255;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have from 1 to {CHARS_MAX} visible ASCII characters")]
pub struct InvalidKey;

impl IdempotencyKey {
    /// Accepts spaces and tabs within the key: an HTTP header can carry them.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidKey> {
        let fits = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t');
        if !(1..=CHARS_MAX).contains(&bytes.len()) || !bytes.iter().all(fits) {
            return Err(InvalidKey);
        }
        String::from_utf8(bytes.to_owned()).map(Self).map_err(|_| InvalidKey)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_printable_and_has_a_bounded_length() {
        for key in ["a", "nightly 1", "x".repeat(255).as_str()] {
            let parsed = IdempotencyKey::parse(key.as_bytes()).unwrap();
            assert_eq!(parsed.as_str(), key);
        }
        for wrong in ["", "é", "a\nb", "x".repeat(256).as_str()] {
            assert_eq!(IdempotencyKey::parse(wrong.as_bytes()), Err(InvalidKey), "{wrong:?}");
        }
    }

    #[test]
    fn the_same_key_of_two_tenants_is_stored_as_two() {
        let other = "other".parse().unwrap();
        assert_eq!(stored_key(&Tenant::default(), "k"), "k");
        assert_eq!(stored_key(&other, "k"), "other\u{1f}k");
        assert_eq!(IdempotencyKey::parse(stored_key(&other, "k").as_bytes()), Err(InvalidKey));
    }
}
