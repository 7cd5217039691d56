use std::time::Duration;

use jiff::Timestamp;
use runmill_proto::{JobConfig, api::Settings};

/// How patient a call is.
#[derive(Clone, Debug, PartialEq)]
pub struct CallPolicy {
    /// From the request to the first token. Of a buffered answer nothing is seen before its end, so that it
    /// has `total` instead.
    pub first_token: Duration,
    /// The longest silence after the first token. A ping breaks it: the vendors send them to prove that they live.
    pub idle: Duration,
    /// One attempt, from the slot it got to the end of its answer.
    pub total: Duration,
    /// Attempts after the first, those before this call included; waiting for a rate limit does not count.
    pub max_retries: u32,
    /// Attempts that failed before this call, when the same job was fed before.
    pub failed_before: u32,
    /// The backoff's first ceiling; it doubles with each attempt.
    pub backoff_base: Duration,
    pub backoff_max: Duration,
    /// A longer wait than this defers the call instead.
    pub wait_max: Duration,
    /// What each first attempt earns of a retry, in percent.
    pub budget_percent: f64,
    /// No attempt starts after this moment.
    pub deadline: Option<Timestamp>,
}

/// Where a call's policy comes from. Asked before each attempt, and again when it has its slot, so that a changed
/// setting holds for a call that waits.
pub trait PolicySource: Send + Sync {
    fn policy(&self) -> CallPolicy;
}

/// One that never changes.
impl PolicySource for CallPolicy {
    fn policy(&self) -> CallPolicy {
        self.clone()
    }
}

/// What a time of nonsense length (negative, not a number, centuries) is taken for.
const TIME_MAX: Duration = Duration::from_hours(24);

impl CallPolicy {
    /// What the run says for itself, above the provider's settings, which are above the workspace's: `settings` are
    /// both of these.
    pub fn resolve(settings: &Settings, job: &JobConfig) -> Self {
        let Settings { request, retry } = settings.under(&job.request, &job.retry);
        Self {
            first_token: seconds(request.first_token_timeout_seconds),
            idle: seconds(request.idle_timeout_seconds),
            total: seconds(job.timeout_seconds.unwrap_or(request.total_timeout_seconds)),
            max_retries: job.max_retries.unwrap_or(retry.max_retries),
            failed_before: 0,
            backoff_base: seconds(retry.backoff_base_seconds),
            backoff_max: seconds(retry.backoff_max_seconds),
            wait_max: seconds(retry.wait_max_seconds),
            budget_percent: retry.budget_percent,
            deadline: None,
        }
    }
}

/// A setting as a duration.
pub(crate) fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(TIME_MAX).min(TIME_MAX)
}

#[cfg(test)]
mod tests {
    use runmill_proto::api::RequestOverride;

    use super::*;

    #[test]
    fn the_run_is_heard_before_the_workspace() {
        let mut settings = Settings::default();
        settings.request.total_timeout_seconds = 600.0;
        settings.retry.max_retries = 4;
        let silent = CallPolicy::resolve(&settings, &JobConfig::default());
        assert_eq!((silent.total, silent.max_retries), (Duration::from_mins(10), 4));

        let job = JobConfig { timeout_seconds: Some(1.5), max_retries: Some(0), ..JobConfig::default() };
        let spoken = CallPolicy::resolve(&settings, &job);
        assert_eq!((spoken.total, spoken.max_retries), (Duration::from_millis(1500), 0));

        let request = RequestOverride { idle_timeout_seconds: Some(2.0), ..RequestOverride::default() };
        let job = JobConfig { request, ..JobConfig::default() };
        assert_eq!(CallPolicy::resolve(&settings, &job).idle, Duration::from_secs(2));
    }

    #[test]
    fn a_time_of_nonsense_length_is_a_day() {
        for nonsense in [-1.0, f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(seconds(nonsense), TIME_MAX, "{nonsense}");
        }
    }
}
