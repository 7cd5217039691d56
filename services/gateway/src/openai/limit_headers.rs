use hyper::{
    HeaderMap,
    header::{HeaderName, HeaderValue},
};

use crate::limit::{Meter, Standing};

const REQUESTS: [&str; 3] =
    ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"];
const TOKENS: [&str; 3] =
    ["x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"];

/// Writes the headers `x-ratelimit-*`, with durations such as `1.500s`.
pub(super) fn tell(headers: &mut HeaderMap, standing: &Standing) {
    for (meter, names) in [(standing.requests, REQUESTS), (standing.tokens, TOKENS)] {
        let Some(Meter { limit, remaining, reset }) = meter else { continue };
        let reset =
            HeaderValue::try_from(format!("{:.3}s", reset.as_secs_f64())).expect("digits are a value");
        let values = [limit.into(), remaining.into(), reset];
        headers.extend(names.map(HeaderName::from_static).into_iter().zip(values));
    }
}
