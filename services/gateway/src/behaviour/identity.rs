use crate::chance::{Draw, hash};

/// Identifies a request and its attempt. Together with the model's name, it determines the behaviour of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    request: u64,
    /// Number of the attempt, as the client counts. It only has to differ between attempts.
    attempt: u32,
}

impl Identity {
    /// Reads the header `X-Client-Request-Id: <request>:<attempt>`. If the id does not end in a number, the whole id
    /// identifies the request, and `retry_count` is the attempt.
    pub fn of_id(id: &str, retry_count: u32) -> Self {
        let split = id.rsplit_once(':').and_then(|(request, attempt)| Some((request, attempt.parse().ok()?)));
        let (request, attempt) = split.unwrap_or((id, retry_count));
        Self { request: hash(&[request.as_bytes()]), attempt }
    }

    /// Identifies the request of a client that sends no id by its body: requests with equal bodies are the same.
    pub fn of_body(body: &[u8], retry_count: u32) -> Self {
        Self { request: hash(&[body]), attempt: retry_count }
    }

    /// Returns a number for this attempt, from which the ids in the answer are made.
    pub(crate) fn number(self) -> u64 {
        hash(&[&self.request.to_le_bytes(), &self.attempt.to_le_bytes()])
    }

    /// Returns the draw of one modifier. The modifier's name, `what`, makes the draws of one call independent of each
    /// other.
    pub(crate) fn draw(self, what: &str) -> Draw {
        Draw::of(&[&self.request.to_le_bytes(), &self.attempt.to_le_bytes(), what.as_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_attempt_is_what_follows_the_last_colon() {
        let (first, second) = (Identity::of_id("run:7:0:0", 9), Identity::of_id("run:7:0:1", 9));

        assert_eq!(first.request, second.request);
        assert_eq!((first.attempt, second.attempt), (0, 1));
        assert_ne!(first.request, Identity::of_id("run:8:0:0", 9).request);
    }

    #[test]
    fn an_id_without_an_attempt_is_counted_by_the_retry_count() {
        assert_eq!(Identity::of_id("abc", 2).attempt, 2);
        assert_eq!(Identity::of_id("run:x", 2).request, hash(&[b"run:x"]));
        assert_eq!(Identity::of_body(b"{}", 1).attempt, 1);
    }
}
