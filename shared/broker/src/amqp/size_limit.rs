use lapin::{
    ErrorKind,
    protocol::{AMQPErrorKind, AMQPSoftError},
};

/// Largest message that the broker takes, as far as it is known. AMQP does not say it at the connection's start, so it
/// is learnt from the first refusal, which closes the channel with everything that is in flight on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SizeLimit(Option<u64>);

impl SizeLimit {
    /// Learns the limit if `error` is the refusal of a message that is too large.
    pub fn learn(&mut self, error: &lapin::Error) {
        self.0 = refused_above(error).or(self.0);
    }

    /// Returns the limit if a message of this size is above it.
    pub fn exceeded_by(self, size: u64) -> Option<u64> {
        self.0.filter(|max| size > *max)
    }
}

/// Returns the limit if `error` is the refusal of a message that is too large.
pub(super) fn refused_above(error: &lapin::Error) -> Option<u64> {
    let precondition = AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED);
    match error.kind() {
        ErrorKind::ProtocolError(refusal) if *refusal.kind() == precondition => {
            limit_in(refusal.get_message().as_str())
        }
        _ => None,
    }
}

/// Finds the limit in the text of a refusal, which is `message size N is larger than configured max size M`. The word
/// `configured` is left out if the limit is the broker's largest.
fn limit_in(text: &str) -> Option<u64> {
    let (_, rest) = text.split_once("message size ")?;
    let (_, max) = rest.split_once(" max size ")?;
    let digits = max.find(|c: char| !c.is_ascii_digit()).map_or(max, |end| &max[..end]);
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_read_from_the_refusal() {
        for (text, max) in [
            (
                "PRECONDITION_FAILED - message size 20000123 is larger than configured max size 16777216",
                Some(16_777_216),
            ),
            ("message size 536870913 is larger than max size 536870912", Some(536_870_912)),
            ("PRECONDITION_FAILED - inequivalent arg 'x-expires' for queue 'q'", None),
            ("message size 5 is larger than configured max size ", None),
            ("", None),
        ] {
            assert_eq!(limit_in(text), max, "{text}");
        }
    }
}
