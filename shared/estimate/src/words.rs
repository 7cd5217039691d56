use runmill_pricing::{BYTES_PER_TOKEN, Price, TOKENS_PER_MESSAGE};
use runmill_proto::usd;
use serde_json::{Value, json};

use super::sum::{Estimate, Span};

/// Names under which a user can set what an estimate lacks.
pub struct Names {
    /// Largest number of tokens of an answer.
    pub max_tokens: &'static str,
    /// Prices of models.
    pub prices: &'static str,
}

impl Estimate {
    /// Returns the estimate as names with values, with the assumptions behind each number.
    pub fn rows(&self, names: &Names) -> Vec<(&'static str, String)> {
        let mut rows = vec![
            ("model", self.basis.model.clone()),
            ("calls", self.calls_text()),
            ("prompts", self.prompts_text()),
            ("answers", self.answers_text(names)),
            ("price", self.price_text(names)),
            ("cost", self.cost_text()),
            ("time", self.time_text()),
            ("excluded", self.omissions()),
        ];
        if self.too_long > 0 {
            let window = self.basis.price.as_ref().and_then(Price::context_window);
            let window = window.unwrap_or_default();
            let text =
                format!("prompts above the model's context window of {window} tokens: {}", self.too_long);
            rows.push(("warning", text));
        }
        rows
    }

    /// Returns the estimate as JSON. Costs are in dollars; an unknown value or an open upper bound is null.
    pub fn to_json(&self) -> Value {
        let cost = self.cost();
        let price = self.basis.price.as_ref();
        let span = |span: Span<f64>| json!({"low": span.low, "high": span.high});
        let completion = self.completion_tokens();
        json!({
            "model": self.basis.model,
            "items": self.items,
            "samples": self.basis.samples,
            "calls": self.calls(),
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": {"low": completion.low, "high": completion.high},
            "cost_usd": cost.map(|cost| span(Span { low: usd(cost.low), high: cost.high.map(usd) })),
            "price_source": price.map(Price::source),
            "seconds": span(self.seconds()),
            "prompts_too_long": self.too_long,
        })
    }

    fn calls_text(&self) -> String {
        match self.basis.samples {
            1 => format!("{}, one per item", self.calls()),
            samples => format!("{} ({}, {samples} samples each)", self.calls(), items(self.items)),
        }
    }

    fn prompts_text(&self) -> String {
        let tokens = self.prompt_tokens;
        format!(
            "about {tokens} tokens (UTF-8 bytes / {BYTES_PER_TOKEN}, plus {TOKENS_PER_MESSAGE} per message)"
        )
    }

    fn answers_text(&self, names: &Names) -> String {
        let Span { low, high: Some(high) } = self.completion_tokens() else {
            let low = self.completion_tokens().low;
            return format!("{low} tokens or more ({} sets an upper limit)", names.max_tokens);
        };
        let each = self.basis.answer_tokens;
        let most = each.high.unwrap_or_default();
        format!("{} tokens ({} per answer)", range(&low, &high), range(&each.low, &most))
    }

    fn price_text(&self, names: &Names) -> String {
        match &self.basis.price {
            Some(price) => format!("{price} ({})", price.source()),
            None => format!(
                "unknown price: no price table has `{}` at this provider; add one with {}",
                self.basis.model, names.prices
            ),
        }
    }

    fn cost_text(&self) -> String {
        match self.cost() {
            None => "unknown".to_owned(),
            Some(Span { low, high: None }) => format!("{} or more", dollars(low)),
            Some(Span { low, high: Some(high) }) => range(&dollars(low), &dollars(high)),
        }
    }

    fn time_text(&self) -> String {
        let Span { low, high } = self.seconds();
        let time = match high {
            Some(high) => range(&duration(low), &duration(high)),
            None => format!("{} or more", duration(low)),
        };
        let pace = &self.basis.pace;
        let mut why = vec![
            format!("{} in flight", pace.concurrency),
            format!("each call assumed to take {} s", pace.seconds_per_call),
        ];
        why.extend(pace.calls_per_minute.map(|calls| format!("{calls} calls per minute")));
        why.extend(pace.tokens_per_minute.map(|tokens| format!("{tokens} tokens per minute")));
        format!("about {time} ({})", why.join(", "))
    }

    fn omissions(&self) -> String {
        let images = (self.images > 0).then(|| format!("{} images", self.images));
        let parts =
            ["retries".to_owned(), "discounts for cached prompts".to_owned()].into_iter().chain(images);
        parts.collect::<Vec<_>>().join(", ")
    }
}

fn items(number: u64) -> String {
    if number == 1 { "1 item".to_owned() } else { format!("{number} items") }
}

fn range<T: ToString>(low: &T, high: &T) -> String {
    let (low, high) = (low.to_string(), high.to_string());
    if low == high { low } else { format!("{low} to {high}") }
}

/// Formats an amount as in the summary of a run: with two decimals from a dollar on, and with six below it.
fn dollars(nanousd: i64) -> String {
    let usd = usd(nanousd);
    if usd >= 1.0 { format!("${usd:.2}") } else { format!("${usd:.6}") }
}

/// Formats a duration in its two largest units, rounded up.
fn duration(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates; never negative")]
    let seconds = seconds.ceil() as u64;
    let minutes = seconds.div_ceil(60);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{minutes} min"),
        7_200..172_800 => format!("{} h {} min", minutes / 60, minutes % 60),
        _ => format!("{} d {} h", minutes / 1_440, minutes % 1_440 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::sum::{
            Basis, Pace,
            tests::{basis, estimate},
        },
        *,
    };

    const NAMES: Names = Names { max_tokens: "--max-tokens", prices: "--prices FILE or RUNMILL_PRICES" };

    fn lines(estimate: &Estimate) -> Vec<String> {
        estimate.rows(&NAMES).iter().map(|(name, value)| format!("{name} {value}")).collect()
    }

    #[test]
    fn people_read_what_it_takes_and_what_that_rests_on() {
        let estimate = estimate(basis(), &[100, 2_001]);

        let want = [
            "model m",
            "calls 4 (2 items, 2 samples each)",
            "prompts about 4202 tokens (UTF-8 bytes / 4, plus 4 per message)",
            "answers 40 to 400 tokens (10 to 100 per answer)",
            "price $2.00 input, $10.00 output per million tokens (a test, 2026-01-31)",
            "cost $0.017008 to $0.022408",
            "time about 3 s (4 in flight, each call assumed to take 3 s)",
            "excluded retries, discounts for cached prompts",
            "warning prompts above the model's context window of 2000 tokens: 1",
        ];
        assert_eq!(lines(&estimate), want);
    }

    #[test]
    fn what_is_not_known_is_said_with_what_to_do() {
        let pace = Pace {
            concurrency: 1,
            seconds_per_call: 0.5,
            calls_per_minute: Some(30.0),
            tokens_per_minute: Some(100),
        };
        let answer_tokens = Span { low: 0, high: None };
        let unknown = Basis { samples: 1, answer_tokens, price: None, pace, ..basis() };
        let mut estimate = estimate(unknown, &[]);
        estimate.add(400, 3);

        let want = [
            "model m",
            "calls 1, one per item",
            "prompts about 400 tokens (UTF-8 bytes / 4, plus 4 per message)",
            "answers 0 tokens or more (--max-tokens sets an upper limit)",
            "price unknown price: no price table has `m` at this provider; add one with --prices FILE or RUNMILL_PRICES",
            "cost unknown",
            "time about 4 min or more (1 in flight, each call assumed to take 0.5 s, 30 calls per minute, \
             100 tokens per minute)",
            "excluded retries, discounts for cached prompts, 3 images",
        ];
        assert_eq!(lines(&estimate), want);
        assert_eq!(estimate.to_json()["cost_usd"], Value::Null);
    }

    #[test]
    fn programs_read_numbers() {
        let report = estimate(basis(), &[100]).to_json();

        let want = json!({
            "model": "m", "items": 1, "samples": 2, "calls": 2, "prompt_tokens": 200,
            "completion_tokens": {"low": 20, "high": 200}, "cost_usd": {"low": 0.0006, "high": 0.0024},
            "price_source": "a test, 2026-01-31", "seconds": {"low": 3.0, "high": 3.0}, "prompts_too_long": 0,
        });
        assert_eq!(report, want);
    }

    #[test]
    fn durations_have_two_units_at_most() {
        for (seconds, want) in [
            (0.0, "0 s"),
            (0.1, "1 s"),
            (119.0, "119 s"),
            (120.0, "2 min"),
            (121.0, "3 min"),
            (7_199.0, "120 min"),
            (7_200.0, "2 h 0 min"),
            (86_400.0, "24 h 0 min"),
            (172_800.0, "2 d 0 h"),
            (f64::INFINITY, "213503982334601 d 7 h"),
        ] {
            assert_eq!(duration(seconds), want, "{seconds}");
        }
    }

    #[test]
    fn small_sums_are_told_exactly() {
        for (nanousd, want) in
            [(0, "$0.000000"), (1_500, "$0.000002"), (999_000_000, "$0.999000"), (12_345_678_901, "$12.35")]
        {
            assert_eq!(dollars(nanousd), want);
        }
    }
}
