//! Reads the delay from the message of a rate limit error, because an error inside of a stream has no headers.

use std::time::Duration;

use crate::retry_after::delay;

/// Phrases before the delay, in the messages of OpenAI, Azure and Google.
const BEFORE: [&str; 3] = ["try again in ", "retry after ", "retry in "];

/// Reads messages such as `... Please try again in 1m2.5s.`, `... 20ms.` and `... retry after 9 seconds.`
pub(super) fn read(message: &str) -> Option<Duration> {
    let message = message.to_ascii_lowercase();
    let start = BEFORE.iter().find_map(|before| message.find(before).map(|place| place + before.len()))?;
    let mut rest = &message[start..];
    let mut total = None;
    while let Some((seconds, after)) = part(rest) {
        total = Some(total.unwrap_or(0.0) + seconds);
        rest = after;
    }
    delay(total?)
}

/// Reads a number with its unit at the start of `text`. Returns it in seconds, and the rest of the text.
fn part(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let number: f64 = text[..end].parse().ok()?;
    let rest = text[end..].trim_start();
    let unit_end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(unit_end);
    let factor = match unit {
        "ms" | "milliseconds" => 0.001,
        "s" | "second" | "seconds" => 1.0,
        "m" | "minute" | "minutes" => 60.0,
        "h" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => return None,
    };
    Some((number * factor, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_in_a_text_is_read() {
        let table = [
            ("Limit 3, Used 3. Please try again in 20s. Visit https://x", Some(20_000)),
            ("Please try again in 11.054s.", Some(11_054)),
            ("Please try again in 6ms.", Some(6)),
            ("please try again in 1m12.5s", Some(72_500)),
            ("Try again in 35 seconds.", Some(35_000)),
            ("Please retry in 36.5s.", Some(36_500)),
            ("Please retry after 9 seconds. Please go here", Some(9_000)),
            ("Please try again in 7d12h", Some(86_400_000)),
            ("Please try again in 99999999999999999999999s", Some(86_400_000)),
            ("Please try again in a moment", None),
            ("Please try again in 5 parsecs", None),
            ("Please try again in ", None),
            ("The server is busy; try again later", None),
        ];
        for (message, want_ms) in table {
            assert_eq!(read(message).map(|delay| delay.as_millis()), want_ms, "{message}");
        }
    }
}
