use std::fmt::Write;

use ring::digest::{Context, SHA256};

/// Version hash of a dataset: the SHA-256 of its lines, each followed by a newline. Clients compute it, too, so that
/// they need not upload a dataset that is already stored.
#[derive(Clone)]
pub struct DatasetHash(Context);

impl Default for DatasetHash {
    fn default() -> Self {
        Self(Context::new(&SHA256))
    }
}

impl DatasetHash {
    /// Adds the next line, which is given without its newline.
    pub fn add(&mut self, line: &str) {
        self.0.update(line.as_bytes());
        self.0.update(b"\n");
    }

    /// Returns the hash in hexadecimal.
    pub fn finish(self) -> String {
        self.0.finish().as_ref().iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("writing to a string does not fail");
            hex
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_lines_with_their_newlines() {
        let mut hash = DatasetHash::default();
        assert_eq!(hash.clone().finish(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        hash.add(r#"{"id":"q1"}"#);
        hash.add("äöü");

        // `printf '{"id":"q1"}\näöü\n' | sha256sum`
        assert_eq!(hash.finish(), "898f0a36e99ea21304446f77dfd2523138734499b99e9b2ea4ed03b9a36d5fb6");
    }
}
