//! Delay before the next request, as the provider asks for it.

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;

/// Longest delay. A longer one is shortened to this, because a header that asks for more than a day is a mistake.
const DELAY_MAX: Duration = Duration::from_hours(24);

/// Reads the delay from the most exact of these headers: `retry-after-ms`, Azure's `x-ms-retry-after-ms`, and
/// `retry-after` in seconds, which may have a fraction, or as an HTTP date. A date in the past is a delay of zero; a
/// header that cannot be read is ignored.
///
/// Source: RFC 9110, section 10.2.3; for the forms in milliseconds, the vendors' own clients.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let milliseconds = |name: &str| delay(text(name)?.parse::<f64>().ok()? / 1000.0);
    milliseconds("retry-after-ms").or_else(|| milliseconds("x-ms-retry-after-ms")).or_else(|| {
        let text = text("retry-after")?;
        match text.parse() {
            Ok(seconds) => delay(seconds),
            Err(_) => until(text, now),
        }
    })
}

/// Converts a delay in seconds. Returns `None` if it is negative or not a number.
pub(crate) fn delay(seconds: f64) -> Option<Duration> {
    let seconds = (seconds >= 0.0).then(|| seconds.min(DELAY_MAX.as_secs_f64()))?;
    Duration::try_from_secs_f64(seconds).ok()
}

fn until(date: &str, now: Timestamp) -> Option<Duration> {
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok()?;
    let delay = Duration::try_from(date.duration_since(now)).unwrap_or(Duration::ZERO);
    Some(delay.min(DELAY_MAX))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn every_form_is_read() {
        type Headers = &'static [(&'static str, &'static str)];
        let now: Timestamp = "2025-11-06T08:49:00Z".parse().unwrap();
        let table: &[(Headers, Option<u64>)] = &[
            (&[], None),
            (&[("retry-after-ms", "1500")], Some(1500)),
            (&[("x-ms-retry-after-ms", "250.5")], Some(250)),
            (&[("retry-after", "2")], Some(2000)),
            (&[("retry-after", "0.5")], Some(500)),
            (&[("retry-after", " 0 ")], Some(0)),
            (&[("retry-after", "Thu, 06 Nov 2025 08:49:37 GMT")], Some(37_000)),
            (&[("retry-after", "Thu, 06 Nov 2025 08:48:00 GMT")], Some(0)),
            (&[("retry-after", "1e300")], Some(86_400_000)),
            (&[("retry-after", "-1")], None),
            (&[("retry-after", "NaN")], None),
            (&[("retry-after", "soon")], None),
            (&[("retry-after", "-5")], None),
            (&[("retry-after", "0.493")], Some(493)),
            (&[("retry-after", "2s")], None),
            (&[("retry-after", "2, 2")], None),
            (&[("retry-after", "2025-11-06T08:49:37Z")], None),
            (&[("retry-after", "3600")], Some(3_600_000)),
            // Milliseconds and Unix seconds in place of seconds.
            (&[("retry-after", "5000")], Some(5_000_000)),
            (&[("retry-after", "1762418977")], Some(86_400_000)),
            (&[("retry-after", "9"), ("retry-after-ms", "100")], Some(100)),
            (&[("retry-after", "9"), ("retry-after-ms", "x")], Some(9000)),
        ];
        for (headers, want_ms) in table {
            let headers: HeaderMap = headers
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
                .collect();
            let got = retry_after(&headers, now).map(|delay| delay.as_millis());
            assert_eq!(got, want_ms.map(u128::from), "{headers:?}");
        }
    }
}
