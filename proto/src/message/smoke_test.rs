use serde::{Deserialize, Serialize};

use crate::ProviderId;

/// `smoke_test.v1`, dispatcher to any executor: call this model once, and say how it went. The answer is a
/// [`SmokeTestReport`](crate::api::SmokeTestReport).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmokeTest {
    pub provider_id: ProviderId,
    pub model: String,
}
