use hyper::{
    HeaderMap,
    header::{HeaderName, HeaderValue},
};
use jiff::{SignedDuration, Timestamp};

use crate::limit::{Meter, Standing};

const REQUESTS: [&str; 3] = [
    "anthropic-ratelimit-requests-limit",
    "anthropic-ratelimit-requests-remaining",
    "anthropic-ratelimit-requests-reset",
];
const TOKENS: [&str; 3] = [
    "anthropic-ratelimit-tokens-limit",
    "anthropic-ratelimit-tokens-remaining",
    "anthropic-ratelimit-tokens-reset",
];

/// Writes the headers `anthropic-ratelimit-*`, with times such as `2026-01-31T12:00:00Z`.
pub(super) fn tell(headers: &mut HeaderMap, standing: &Standing, now: Timestamp) {
    for (meter, names) in [(standing.requests, REQUESTS), (standing.tokens, TOKENS)] {
        let Some(Meter { limit, remaining, reset }) = meter else { continue };
        // Whole seconds, rounded up.
        let seconds = i64::try_from(reset.as_secs()).unwrap_or(i64::MAX).saturating_add(1);
        let at = now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX);
        let at = Timestamp::from_second(at.as_second()).unwrap_or(at);
        let reset = HeaderValue::try_from(at.to_string()).expect("a time is a value");
        let values = [limit.into(), remaining.into(), reset];
        headers.extend(names.map(HeaderName::from_static).into_iter().zip(values));
    }
}
