use runmill_proto::api::{ModelLimit, RateLimit};

/// Use that this process may make of one set of limits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Allowance {
    /// Maximum number of attempts in flight. Zero stops all new ones.
    pub concurrency: u32,
    /// `None` here and below if there is no such limit.
    pub calls_per_minute: Option<Pace>,
    pub calls_per_second: Option<Pace>,
    pub tokens_per_minute: Option<Pace>,
}

/// Rate with its burst: in any `t` seconds at most `per_second * t + burst` are admitted.
///
/// A burst of zero admits nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    pub per_second: f64,
    pub burst: f64,
}

/// Time of which a bucket of tokens holds the rate.
const TOKEN_BURST_SECONDS: f64 = 2.0;

impl Allowance {
    /// An allowance without any limit.
    pub const UNLIMITED: Self = Self {
        concurrency: u32::MAX,
        calls_per_minute: None,
        calls_per_second: None,
        tokens_per_minute: None,
    };

    /// Returns the whole of an account's limits. `default` is the concurrency of an account that states none.
    pub fn of_account(limit: &RateLimit, default: u32) -> Self {
        Self::whole(limit.concurrency.unwrap_or(default), limit.rpm, limit.rps, limit.tpm)
    }

    /// Returns the whole of a model's limits.
    pub fn of_model(limit: &ModelLimit) -> Self {
        Self::whole(limit.concurrency.unwrap_or(u32::MAX), limit.rpm, limit.rps, limit.tpm)
    }

    fn whole(concurrency: u32, rpm: Option<u32>, rps: Option<f64>, tpm: Option<u64>) -> Self {
        Self {
            concurrency,
            calls_per_minute: rpm.map(|rpm| Pace::of_calls(f64::from(rpm) / 60.0)),
            calls_per_second: rps.map(Pace::of_calls),
            tokens_per_minute: tpm.map(Pace::of_tokens),
        }
    }
}

impl Pace {
    /// Returns the pace of a rate of calls, with its stated burst: a tenth of a second's calls, or up to 8 calls where
    /// the rate has as many in a second, and at least one call.
    pub fn of_calls(per_second: f64) -> Self {
        let burst = (per_second / 10.0).ceil().max(per_second.floor().min(8.0)).max(1.0);
        Self { per_second, burst }
    }

    /// Returns the pace of a rate of tokens, with a burst of two seconds.
    pub fn of_tokens(per_minute: u64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a rate need not be exact")]
        let per_second = per_minute as f64 / 60.0;
        Self { per_second, burst: per_second * TOKEN_BURST_SECONDS }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_burst_of_calls_is_as_stated() {
        let table =
            [(0.01, 1.0), (1.0, 1.0), (2.5, 2.0), (10.0, 8.0), (80.0, 8.0), (81.0, 9.0), (1000.0, 100.0)];
        for (rate, burst) in table {
            assert_eq!(Pace::of_calls(rate), Pace { per_second: rate, burst }, "{rate}");
        }
    }

    #[test]
    fn limits_that_are_not_stated_do_not_limit() {
        let limit = RateLimit { rpm: Some(600), tpm: Some(60_000), ..RateLimit::default() };
        let want = Allowance {
            concurrency: 64,
            calls_per_minute: Some(Pace { per_second: 10.0, burst: 8.0 }),
            tokens_per_minute: Some(Pace { per_second: 1_000.0, burst: 2_000.0 }),
            ..Allowance::UNLIMITED
        };
        assert_eq!(Allowance::of_account(&limit, 64), want);
        assert_eq!(Allowance::of_model(&ModelLimit::default()), Allowance::UNLIMITED);
    }
}
