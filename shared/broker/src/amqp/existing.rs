//! Reads from a refusal how an existing queue or exchange differs from its declaration.

use std::time::Duration;

use lapin::{
    ErrorKind,
    protocol::{AMQPErrorKind, AMQPSoftError},
};

/// The time without use after which the broker deletes an existing queue. `None` means never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Expiry(pub Option<Duration>);

/// Returns the expiry of an existing queue if `error` says that it was declared with another one.
pub(super) fn expiry_of(error: &lapin::Error) -> Option<Expiry> {
    let current = current_of(refusal(error)?, "x-expires")?;
    let millis = current.split(|c: char| !c.is_ascii_digit()).find_map(|digits| digits.parse().ok());
    Some(Expiry(millis.map(Duration::from_millis)))
}

/// Returns the `auto_delete` of an existing exchange if `error` says that it was declared with another one.
pub(super) fn auto_delete_of(error: &lapin::Error) -> Option<bool> {
    current_of(refusal(error)?, "auto_delete").map(|current| current.contains("true"))
}

fn refusal(error: &lapin::Error) -> Option<&str> {
    let precondition = AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED);
    match error.kind() {
        ErrorKind::ProtocolError(refusal) if *refusal.kind() == precondition => {
            Some(refusal.get_message().as_str())
        }
        _ => None,
    }
}

/// Returns the part of the text that says the current value of the argument `name`, if that is the one that differs.
fn current_of<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once("inequivalent arg ")?;
    let rest = rest.strip_prefix('\'')?.strip_prefix(name)?.strip_prefix('\'')?;
    rest.split_once(" but current is ").map(|(_, current)| current)
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUEUE: &str =
        "PRECONDITION_FAILED - inequivalent arg 'x-expires' for queue 'runmill.jobs.1' in vhost '/': ";

    #[test]
    fn the_current_value_is_read_from_the_refusal() {
        let text = format!("{QUEUE}received none but current is the value '60000' of type 'signedint'");
        assert_eq!(current_of(&text, "x-expires"), Some("the value '60000' of type 'signedint'"));
        let text = format!("{QUEUE}received the value '60000' of type 'long' but current is none");
        assert_eq!(current_of(&text, "x-expires"), Some("none"));
        assert_eq!(current_of(&text, "x-max-length"), None);
        assert_eq!(current_of("NOT_FOUND - no queue 'runmill.jobs.1'", "x-expires"), None);
    }
}
