//! Numbers as people read them: with separators, units and no more digits than they are worth.

use jiff::Timestamp;
use maud::{Markup, html};
use runmill_proto::ScoreSummary;

/// Sign of a value that is not known.
pub const NONE: &str = "–";

/// Returns a whole number with a comma after each three digits.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns a number with as many decimals as its size makes readable.
pub fn decimal(number: f64) -> String {
    match number.abs() {
        size if size >= 999.5 => {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
            let whole = count(size.round() as u64);
            if number < 0.0 { format!("-{whole}") } else { whole }
        }
        size if size >= 99.95 || number.fract() == 0.0 => format!("{number:.0}"),
        size if size >= 9.995 => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}

/// Returns a share of 1 in percent.
pub fn percent(share: f64) -> String {
    format!("{:.1}\u{a0}%", share * 100.0)
}

/// Returns a share of a whole in percent; the whole of nothing is nothing.
pub fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { float(part) / float(whole) }
}

#[expect(clippy::cast_precision_loss, reason = "what is shown has fewer than 15 digits")]
pub fn float(number: u64) -> f64 {
    number as f64
}

/// Returns a cost in US dollars. Calls may cost millionths.
pub fn usd(cost: Option<f64>) -> String {
    match cost {
        None => NONE.to_owned(),
        Some(0.0) => "$0".to_owned(),
        Some(cost) if cost.abs() < 0.1 => format!("${cost:.6}"),
        Some(cost) if cost.abs() < 100.0 => format!("${cost:.4}"),
        Some(cost) => format!("${}", decimal(cost)),
    }
}

/// Returns a time in milliseconds, as seconds from ten on.
pub fn millis(millis: Option<u64>) -> String {
    match millis {
        None => NONE.to_owned(),
        Some(millis) if millis < 10_000 => format!("{} ms", count(millis)),
        Some(millis) => seconds(float(millis) / 1_000.0),
    }
}

/// Returns a time with its two largest units.
pub fn seconds(seconds: f64) -> String {
    if seconds < 60.0 {
        return if seconds < 9.95 { format!("{seconds:.1} s") } else { format!("{seconds:.0} s") };
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
    let whole = seconds.round() as u64;
    match whole {
        0..3_600 => format!("{} min {} s", whole / 60, whole % 60),
        3_600..86_400 => format!("{} h {} min", whole / 3_600, whole % 3_600 / 60),
        _ => format!("{} d {} h", count(whole / 86_400), whole % 86_400 / 3_600),
    }
}

/// Returns a rate, each minute where each second would be a fraction.
pub fn rate(per_second: f64, unit: &str) -> String {
    if per_second >= 1.0 || per_second == 0.0 {
        format!("{} {unit}/s", decimal(per_second))
    } else {
        format!("{} {unit}/min", decimal(per_second * 60.0))
    }
}

/// Returns a score with its standard error.
pub fn score(score: &ScoreSummary) -> Markup {
    html! {
        @if let Some(mean) = score.mean {
            (format!("{mean:.4}"))
            @if let Some(stderr) = score.stderr { span.quiet { " ± " (format!("{stderr:.4}")) } }
        } @else { span.quiet { (NONE) } }
    }
}

/// Returns a point in time, in UTC.
pub fn time(at: Timestamp) -> Markup {
    html! { time datetime=(format!("{at:.3}")) { (at.strftime("%Y-%m-%d %H:%M:%S")) } }
}

/// Returns the time of day of a point in time, to the millisecond.
pub fn clock(at: Timestamp) -> Markup {
    html! { time datetime=(format!("{at:.3}")) title=(format!("{at:.3}")) { (at.strftime("%H:%M:%S%.3f")) } }
}

/// Returns a point in time as its distance from `now`.
pub fn ago(at: Timestamp, now: Timestamp) -> Markup {
    let passed = now.duration_since(at).as_secs_f64();
    let text = match passed {
        ..5.0 => "now".to_owned(),
        ..60.0 => format!("{passed:.0} s ago"),
        ..3_600.0 => format!("{:.0} min ago", (passed / 60.0).floor()),
        ..172_800.0 => format!("{:.0} h ago", (passed / 3_600.0).floor()),
        ..5_184_000.0 => format!("{:.0} d ago", (passed / 86_400.0).floor()),
        _ => at.strftime("%Y-%m-%d").to_string(),
    };
    html! { time datetime=(format!("{at:.3}")) title=(format!("{} UTC", at.strftime("%Y-%m-%d %H:%M:%S"))) { (text) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_they_are_worth() {
        let table = [
            (count(0), "0"),
            (count(1_319), "1,319"),
            (count(1_000_000), "1,000,000"),
            (decimal(0.125), "0.12"),
            (decimal(3.0), "3"),
            (decimal(12.34), "12.3"),
            (decimal(999.9), "1,000"),
            (decimal(-12_345.6), "-12,346"),
            (percent(0.999), "99.9\u{a0}%"),
            (usd(Some(0.047_138)), "$0.047138"),
            (usd(Some(1.5)), "$1.5000"),
            (usd(Some(12_345.6)), "$12,346"),
            (usd(None), "–"),
            (millis(Some(9_999)), "9,999 ms"),
            (millis(Some(12_000)), "12 s"),
            (seconds(59.4), "59 s"),
            (seconds(200.0), "3 min 20 s"),
            (seconds(7_500.0), "2 h 5 min"),
            (seconds(273_600.0), "3 d 4 h"),
            (rate(150.2, "items"), "150 items/s"),
            (rate(0.5, "items"), "30 items/min"),
        ];
        for (got, want) in table {
            assert_eq!(got, want);
        }
    }

    #[test]
    fn the_share_of_nothing_is_none() {
        assert!((share(1, 4) - 0.25).abs() < f64::EPSILON);
        assert!(share(0, 0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_time_is_near_or_a_date() {
        let now: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
        let before = |seconds: i64| ago(now - jiff::SignedDuration::from_secs(seconds), now).into_string();
        for (seconds, want) in [(0, "now"), (59, "59 s ago"), (61, "1 min ago"), (90_000, "25 h ago")] {
            assert!(before(seconds).contains(&format!(">{want}<")), "{}", before(seconds));
        }
        assert!(before(9_000_000).contains(">2025-"));
    }
}
