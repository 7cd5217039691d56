use jiff::Timestamp;
use runmill_proto::{
    api::{LimitUse, ProviderLimits, ScopeLimits},
    lease::{Cooldown, Resource},
};

/// Returns the rate or the pause for which calls of `model` wait, in words. `provider` is the provider's name. `None` if none
/// holds them back. That a run uses all of its concurrency is nothing to tell.
///
/// The narrower limits of the model come first.
pub fn waits_for(limits: &ProviderLimits, model: &str, provider: &str) -> Option<String> {
    let provider = format!("provider {provider}");
    let of_model = limits.models.get(model);
    let words = |scope, whose: &str| in_words(scope, whose, limits.now, scarcest_rate(scope));
    let of_model = of_model.and_then(|scope| words(scope, &format!("{model} at {provider}")));
    of_model.or_else(|| words(&limits.account, &provider))
}

/// Returns the words for the limits of one account or model, whose name is `whose`, its concurrency included.
pub fn waits(scope: &ScopeLimits, whose: &str, now: Timestamp) -> Option<String> {
    in_words(scope, whose, now, used_up_concurrency(scope).or_else(|| scarcest_rate(scope)))
}

/// Returns the number of calls of `model` in flight, of the most that may be, as `62/64`. It counts the calls of all runs that share
/// the limit. `None` if no executor told it.
pub fn calls_in_flight(limits: &ProviderLimits, model: &str) -> Option<String> {
    let of_model = limits.models.get(model).and_then(|scope| scope.limit(Resource::Concurrency));
    let limit = of_model.or_else(|| limits.account.limit(Resource::Concurrency))?;
    let in_flight = limit.in_flight?;
    Some(limit.limit().map_or_else(|| in_flight.to_string(), |most| format!("{in_flight}/{most:.0}")))
}

fn in_words(scope: &ScopeLimits, whose: &str, now: Timestamp, short: Option<&LimitUse>) -> Option<String> {
    if let Some(Cooldown { until, reason }) = scope.cooldown.as_ref().filter(|it| now < it.until) {
        return Some(format!("waiting until {until:.0} for {whose}: {reason}"));
    }
    let short = short?;
    let amount = amount(short)?;
    Some(match short.stated {
        Some(_) => format!("waiting for {amount} of {whose}"),
        None => format!("waiting for {whose}, which refuses more than {amount}"),
    })
}

fn used_up_concurrency(scope: &ScopeLimits) -> Option<&LimitUse> {
    let limit = scope.limit(Resource::Concurrency)?;
    let is_used_up = f64::from(limit.in_flight?) >= limit.limit()?;
    is_used_up.then_some(limit)
}

/// Returns the rate of which executors want all or more while calls wait, and most in proportion.
fn scarcest_rate(scope: &ScopeLimits) -> Option<&LimitUse> {
    if scope.waiting == 0 {
        return None;
    }
    let want = |limit: &LimitUse| limit.limit().map_or(0.0, |all| limit.wanted / all);
    let rates = scope.limits.iter().filter(|it| it.resource != Resource::Concurrency);
    // The sum of equal parts may be a little below the whole.
    rates.filter(|limit| want(limit) > 0.999).max_by(|a, b| want(a).total_cmp(&want(b)))
}

/// Returns a number of calls a minute with its unit. A small one is told by the hour.
fn per_minute(number: f64) -> (f64, &'static str) {
    if number < 0.5 { (number * 60.0, "calls an hour") } else { (number, "calls a minute") }
}

/// Returns the whole limit in words. `None` if it is not known.
fn amount(limit: &LimitUse) -> Option<String> {
    let number = limit.limit()?;
    let (number, unit) = match limit.resource {
        Resource::Concurrency => (number, "calls at once"),
        Resource::CallsPerSecond if number < 0.5 => per_minute(number * 60.0),
        Resource::CallsPerSecond => (number, "calls a second"),
        Resource::CallsPerMinute => per_minute(number),
        Resource::TokensPerMinute => (number, "tokens a minute"),
    };
    let number = (number * 10.0).round() / 10.0;
    let is_one = (0.95..1.05).contains(&number);
    Some(if is_one { format!("1 {}", unit.replacen('s', "", 1)) } else { format!("{number} {unit}") })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use runmill_proto::ProviderId;
    use uuid::Uuid;

    use super::*;

    fn use_of(resource: Resource, stated: f64, wanted: f64, in_flight: u32) -> LimitUse {
        let is_calls = resource == Resource::Concurrency;
        LimitUse {
            resource,
            stated: Some(stated),
            adaptive: None,
            burst: None,
            granted: stated,
            withheld: 0.0,
            wanted,
            in_flight: is_calls.then_some(in_flight),
        }
    }

    fn scope(waiting: u32, limits: &[LimitUse]) -> ScopeLimits {
        ScopeLimits { limits: limits.to_vec(), waiting, ..ScopeLimits::default() }
    }

    fn limits(account: ScopeLimits) -> ProviderLimits {
        ProviderLimits {
            provider_id: ProviderId::from_uuid(Uuid::nil()),
            now: "2026-01-01T10:20:30Z".parse().unwrap(),
            account,
            models: BTreeMap::new(),
            budgets: Vec::new(),
        }
    }

    fn words(account: &ScopeLimits) -> Option<String> {
        waits(account, "provider x", limits(ScopeLimits::default()).now)
    }

    #[test]
    fn the_limit_that_is_short_is_named() {
        let calls = |in_flight| use_of(Resource::Concurrency, 8.0, 8.0, in_flight);
        let minute = |wanted| use_of(Resource::CallsPerMinute, 60.0, wanted, 0);
        let second = use_of(Resource::CallsPerSecond, 1.0, 2.0, 0);
        let tokens = use_of(Resource::TokensPerMinute, 20_000.0, 40_000.0, 0);
        let rare = use_of(Resource::CallsPerSecond, 0.04, 2.0, 0);
        let rarest = use_of(Resource::CallsPerSecond, 0.004, 2.0, 0);
        let half = use_of(Resource::CallsPerSecond, 0.5, 2.0, 0);
        let table = [
            (scope(3, &[calls(2), minute(60.0)]), Some("waiting for 60 calls a minute of provider x")),
            (scope(3, &[calls(8), minute(60.0)]), Some("waiting for 8 calls at once of provider x")),
            (scope(3, &[minute(90.0), second]), Some("waiting for 1 call a second of provider x")),
            (scope(3, &[minute(90.0), tokens]), Some("waiting for 20000 tokens a minute of provider x")),
            (scope(3, &[half]), Some("waiting for 0.5 calls a second of provider x")),
            (scope(3, &[rare]), Some("waiting for 2.4 calls a minute of provider x")),
            (scope(3, &[rarest]), Some("waiting for 14.4 calls an hour of provider x")),
            (scope(0, &[calls(2), minute(60.0)]), None),
            (scope(3, &[calls(2), minute(20.0)]), None),
            (ScopeLimits::default(), None),
        ];
        for (scope, want) in table {
            assert_eq!(words(&scope).as_deref(), want, "{scope:?}");
        }
    }

    #[test]
    fn calls_in_flight_are_told_with_the_most_that_may_be() {
        let calls = use_of(Resource::Concurrency, 64.0, 64.0, 62);
        let unlimited = LimitUse { stated: None, ..use_of(Resource::Concurrency, 0.0, 8.0, 5) };
        let of = |account: &[LimitUse], model: &[LimitUse]| {
            let models = [("m".to_owned(), scope(0, model))].into();
            calls_in_flight(&ProviderLimits { models, ..limits(scope(0, account)) }, "m")
        };
        assert_eq!(of(std::slice::from_ref(&calls), &[]).as_deref(), Some("62/64"));
        assert_eq!(of(std::slice::from_ref(&calls), std::slice::from_ref(&unlimited)).as_deref(), Some("5"));
        assert_eq!(of(&[], &[]), None);
    }

    #[test]
    fn a_limit_that_the_executors_found_is_told_as_such() {
        let calls =
            LimitUse { stated: None, adaptive: Some(12.0), ..use_of(Resource::Concurrency, 0.0, 99.0, 12) };
        let want = "waiting for provider x, which refuses more than 12 calls at once";
        assert_eq!(words(&scope(1, &[calls])).as_deref(), Some(want));
    }

    #[test]
    fn a_cooldown_comes_before_all_limits_and_ends() {
        let at =
            |until: &str| Some(Cooldown { until: until.parse().unwrap(), reason: "429 slow down".into() });
        let calls = use_of(Resource::Concurrency, 8.0, 8.0, 8);
        let cooled =
            |until| words(&ScopeLimits { cooldown: at(until), ..scope(3, std::slice::from_ref(&calls)) });

        let want = "waiting until 2026-01-01T10:20:42Z for provider x: 429 slow down";
        assert_eq!(cooled("2026-01-01T10:20:42Z").as_deref(), Some(want));
        let over = cooled("2026-01-01T10:20:30Z");
        assert_eq!(over.as_deref(), Some("waiting for 8 calls at once of provider x"));
    }

    #[test]
    fn the_limits_of_the_model_come_first() {
        let account = scope(3, &[use_of(Resource::CallsPerMinute, 60.0, 60.0, 0)]);
        let of_model = scope(3, &[use_of(Resource::CallsPerMinute, 2.0, 2.0, 0)]);
        let all = ProviderLimits { models: [("m".to_owned(), of_model)].into(), ..limits(account) };

        let want = "waiting for 2 calls a minute of m at provider x";
        assert_eq!(waits_for(&all, "m", "x").as_deref(), Some(want));
        let want = "waiting for 60 calls a minute of provider x";
        assert_eq!(waits_for(&all, "other", "x").as_deref(), Some(want));
    }
}
