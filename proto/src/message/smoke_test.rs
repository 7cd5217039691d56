use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ProviderId;

/// `smoke_test.v1`, from the dispatcher to any executor: asks it to call this model once. The answer is a
/// [`SmokeTestReport`](crate::api::SmokeTestReport).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmokeTest {
    pub provider_id: ProviderId,
    pub model: String,
}

impl SmokeTest {
    /// Longest time of a test at its executor, waits included. Short, because a person waits for the report.
    pub const TIME_MAX: Duration = Duration::from_mins(1);

    /// Age at which a test that no executor took is dropped from the queue.
    pub const EXPIRES_AFTER: Duration = Duration::from_mins(1);

    /// Time that the dispatcher waits for the report: the time of the test, and some for the messages and for earlier
    /// tests.
    pub const ANSWERED_WITHIN: Duration = Duration::from_secs(75);

    /// Time that a client of the HTTP API waits for the report: that of the dispatcher, and a minute in which the first
    /// executor may start.
    pub const CLIENT_TIMEOUT: Duration = Duration::from_secs(150);
}

const _: () = {
    assert!(SmokeTest::TIME_MAX.as_millis() < SmokeTest::ANSWERED_WITHIN.as_millis());
    assert!(SmokeTest::EXPIRES_AFTER.as_millis() < SmokeTest::ANSWERED_WITHIN.as_millis());
    assert!(SmokeTest::ANSWERED_WITHIN.as_millis() < SmokeTest::CLIENT_TIMEOUT.as_millis());
};
