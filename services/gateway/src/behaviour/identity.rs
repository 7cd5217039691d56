use crate::chance::{Draw, hash};

/// Which request this is, and which try of it: all that the fate of a call depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    request: u64,
    /// As the client counts; only its difference matters.
    attempt: u32,
}

impl Identity {
    /// From `X-Client-Request-Id: <request>:<attempt>`. An id that does not end in a number is a request
    /// whose attempts are counted elsewhere, by `retry_count`.
    pub fn of_id(id: &str, retry_count: u32) -> Self {
        let split = id.rsplit_once(':').and_then(|(request, attempt)| Some((request, attempt.parse().ok()?)));
        let (request, attempt) = split.unwrap_or((id, retry_count));
        Self { request: hash(&[request.as_bytes()]), attempt }
    }

    /// For a client that sends no id: the same body is the same request.
    pub fn of_body(body: &[u8], retry_count: u32) -> Self {
        Self { request: hash(&[body]), attempt: retry_count }
    }

    /// A number of this try alone, for ids in answers.
    pub(crate) fn number(self) -> u64 {
        hash(&[&self.request.to_le_bytes(), &self.attempt.to_le_bytes()])
    }

    /// `what` keeps the draws of one call independent of each other.
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
