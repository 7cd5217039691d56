//! Checks that must hold for any bytes that a queue delivers. The fuzz targets search for bytes that break one. The tests of
//! `runmill-proto` include this file, and run the checks on every input of the corpus.

use std::fmt::Debug;

use runmill_proto::{
    api::SmokeTestReport,
    codec::{self, Message},
    message::{Control, Deferred, Evaluation, Invocation, Job, SmokeTest},
};

/// Largest ratio of the length of a message's debug text to that of its bytes. The text has the names of all fields, also
/// of those that are absent.
const GROWTH_MAX: usize = 64;
const NAMES_MAX: usize = 4096;

/// The checks of a target on one input.
pub type Check = fn(&[u8]);

/// Every target by its name, which is also the name of its folder in the corpus.
pub const TARGETS: &[(&str, Check)] = &[
    ("job", job),
    ("invocation", invocation),
    ("deferred", deferred),
    ("evaluation", evaluation),
    ("control", control),
    ("smoke_test", smoke_test),
    ("smoke_test_report", smoke_test_report),
];

pub fn job(input: &[u8]) {
    check::<Job>(input);
}

pub fn invocation(input: &[u8]) {
    check::<Invocation>(input);
}

pub fn deferred(input: &[u8]) {
    check::<Deferred>(input);
}

pub fn evaluation(input: &[u8]) {
    check::<Evaluation>(input);
}

pub fn control(input: &[u8]) {
    check::<Control>(input);
}

pub fn smoke_test(input: &[u8]) {
    check::<SmokeTest>(input);
}

pub fn smoke_test_report(input: &[u8]) {
    check::<SmokeTestReport>(input);
}

/// Decodes the input. Checks that a message is bounded by the input's size, and that it can be sent on: what is encoded is
/// decoded as the same message.
fn check<M: Message + Debug>(input: &[u8]) {
    let Ok(message) = codec::decode::<M>(M::TYPE, input) else { return };
    let (size, max) = (format!("{message:?}").len(), GROWTH_MAX * input.len() + NAMES_MAX);
    assert!(size <= max, "{size} bytes from {}", input.len());
    let sent = codec::encode(&message);
    let received = codec::decode::<M>(M::TYPE, &sent).expect("a message that was received can be sent on");
    // The bytes are compared, because a number that is none differs from itself.
    assert_eq!(codec::encode(&received), sent);
}
