//! Part of the provider's limits that is left, as the headers of its answers say.

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;
use runmill_quota::Remaining;

use crate::retry_after::delay;

/// Requests and tokens that are left; `None` if the headers do not say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct RateHeaders {
    pub calls: Option<Remaining>,
    pub tokens: Option<Remaining>,
}

/// Names of the headers of one limit: the limit, what is left, and the time at which all of it is left.
type Names = [&'static str; 3];

const CALLS: [Names; 2] = [
    ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"],
    [
        "anthropic-ratelimit-requests-limit",
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset",
    ],
];

const TOKENS: [Names; 3] = [
    ["x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"],
    [
        "anthropic-ratelimit-tokens-limit",
        "anthropic-ratelimit-tokens-remaining",
        "anthropic-ratelimit-tokens-reset",
    ],
    [
        "anthropic-ratelimit-input-tokens-limit",
        "anthropic-ratelimit-input-tokens-remaining",
        "anthropic-ratelimit-input-tokens-reset",
    ],
];

impl RateHeaders {
    pub fn of(headers: &HeaderMap, now: Timestamp) -> Self {
        let least = |limits: &[Names]| {
            let remaining = limits.iter().filter_map(|names| remaining(headers, names, now));
            remaining.min_by(|one, other| one.left.total_cmp(&other.left))
        };
        Self { calls: least(&CALLS), tokens: least(&TOKENS) }
    }
}

/// Reads the headers of one limit.
///
/// A limit of 0 or -1 is unknown, as Azure sends it, and so is a limit of which nothing is left without a time at which
/// there will be.
fn remaining(headers: &HeaderMap, names: &Names, now: Timestamp) -> Option<Remaining> {
    let [limit, left, reset] =
        names.map(|name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim));
    let number = |text: Option<&str>| text?.parse::<f64>().ok().filter(|number| number.is_finite());
    let (limit, left) = (number(limit)?, number(left)?);
    let full_in = reset.and_then(|text| until_reset(text, now)).unwrap_or_default();
    let is_known = limit > 0.0 && left >= 0.0 && (left > 0.0 || !full_in.is_zero());
    is_known.then_some(Remaining { limit, left, full_in })
}

/// Reads a duration such as `6m0s`, `12ms` or `1.5`, in seconds, or a date such as `2026-01-01T00:00:00Z`.
fn until_reset(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.parse() {
        return delay(seconds);
    }
    if let Ok(date) = text.parse::<Timestamp>() {
        return delay(date.duration_since(now).as_secs_f64().max(0.0));
    }
    delay(seconds(text)?)
}

/// Reads a duration of one or more numbers with their units.
fn seconds(mut text: &str) -> Option<f64> {
    let mut sum = 0.0;
    while !text.is_empty() {
        let (number, rest) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic())?);
        let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let (unit, rest) = rest.split_at(end);
        let unit = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        sum += number.parse::<f64>().ok()? * unit;
        text = rest;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn read(headers: &[(&'static str, &'static str)]) -> RateHeaders {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        RateHeaders::of(&headers, "2026-01-01T00:00:00Z".parse().unwrap())
    }

    #[test]
    fn every_form_of_a_reset_is_read() {
        let table = [
            ("6m0s", Some(360_000)),
            ("12ms", Some(12)),
            ("1s", Some(1_000)),
            ("1h2m3.5s", Some(3_723_500)),
            ("7.66", Some(7_660)),
            ("2026-01-01T00:00:42Z", Some(42_000)),
            ("2025-12-31T23:59:00Z", Some(0)),
            ("soon", None),
            ("5", Some(5_000)),
            ("5x", None),
            ("-5s", None),
            ("m", None),
            ("1.2.3s", None),
        ];
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        for (text, want) in table {
            assert_eq!(until_reset(text, now).map(|reset| reset.as_millis()), want, "{text}");
        }
    }

    #[test]
    fn the_limit_with_the_least_left_counts() {
        let read = read(&[
            ("x-ratelimit-limit-requests", "60"),
            ("x-ratelimit-remaining-requests", "59"),
            ("x-ratelimit-reset-requests", "1s"),
            ("anthropic-ratelimit-tokens-limit", "1000"),
            ("anthropic-ratelimit-tokens-remaining", "900"),
            ("anthropic-ratelimit-tokens-reset", "2026-01-01T00:00:06Z"),
            ("anthropic-ratelimit-input-tokens-limit", "800"),
            ("anthropic-ratelimit-input-tokens-remaining", "0"),
            ("anthropic-ratelimit-input-tokens-reset", "2026-01-01T00:01:00Z"),
        ]);

        let remaining =
            |limit, left, seconds| Some(Remaining { limit, left, full_in: Duration::from_secs(seconds) });
        assert_eq!(read.calls, remaining(60.0, 59.0, 1));
        assert_eq!(read.tokens, remaining(800.0, 0.0, 60));
    }

    #[test]
    fn what_is_unknown_limits_nothing() {
        let table =
            [("-1", "-1", "0"), ("0", "0", "0"), ("60", "0", "0s"), ("60", "0", "?"), ("x", "1", "1s")];
        for (limit, left, reset) in table {
            let headers = [
                ("x-ratelimit-limit-requests", limit),
                ("x-ratelimit-remaining-requests", left),
                ("x-ratelimit-reset-requests", reset),
            ];
            assert_eq!(read(&headers), RateHeaders::default(), "{headers:?}");
        }
        assert_eq!(read(&[("x-ratelimit-remaining-requests", "0")]), RateHeaders::default());
    }
}
