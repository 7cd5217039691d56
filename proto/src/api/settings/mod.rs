//! Time-outs and retries: their ranges, and the precedence of run, provider and workspace.

mod group;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{ConfigFault, JobConfig};

pub(crate) use group::{RETRIES, SECONDS};
pub use group::{RequestOverride, RequestSettings, RetryOverride, RetrySettings};

/// Workspace settings: the values that hold where neither the run nor the provider states its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub request: RequestSettings,
    pub retry: RetrySettings,
}

/// Settings that a provider states for itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SettingsOverride {
    pub request: RequestOverride,
    pub retry: RetryOverride,
}

/// Only these methods know the precedence: the run's value, else the provider's, else the workspace's.
impl Settings {
    /// Returns the settings for one provider: those of the workspace (`self`), unless the provider states its own.
    #[must_use]
    pub fn for_provider(&self, provider: &SettingsOverride) -> Self {
        self.under(&provider.request, &provider.retry)
    }

    /// Returns the settings for one job at one provider: those of the workspace (`self`), unless the provider or the
    /// run states its own.
    #[must_use]
    pub fn for_job(&self, provider: &SettingsOverride, job: &JobConfig) -> Self {
        self.for_provider(provider).under(&job.request, &job.retry)
    }

    fn under(&self, request: &RequestOverride, retry: &RetryOverride) -> Self {
        Self { request: self.request.under(request), retry: self.retry.under(retry) }
    }

    /// Returns one fault for each value that is out of its range.
    pub fn faults(&self) -> Vec<ConfigFault> {
        [self.request.faults(), self.retry.faults()].concat()
    }

    /// Returns the longest time that one feeding of a job can take once its calls are admitted: each attempt up to
    /// its total time-out, before each retry a wait of at most `wait_max_seconds`, and as much for all waits for rate
    /// limits together (a longer wait defers the job).
    ///
    /// The wait for a free slot is not included.
    pub fn longest_job(&self) -> Duration {
        let attempt = self.request.total_timeout() + self.retry.wait_max();
        attempt.saturating_mul(self.retry.max_retries + 1)
    }
}

impl RequestSettings {
    pub fn connect_timeout(&self) -> Duration {
        seconds(self.connect_timeout_seconds)
    }

    pub fn first_token_timeout(&self) -> Duration {
        seconds(self.first_token_timeout_seconds)
    }

    pub fn idle_timeout(&self) -> Duration {
        seconds(self.idle_timeout_seconds)
    }

    pub fn total_timeout(&self) -> Duration {
        seconds(self.total_timeout_seconds)
    }
}

impl RetrySettings {
    pub fn backoff_base(&self) -> Duration {
        seconds(self.backoff_base_seconds)
    }

    pub fn backoff_max(&self) -> Duration {
        seconds(self.backoff_max_seconds)
    }

    pub fn wait_max(&self) -> Duration {
        seconds(self.wait_max_seconds)
    }
}

/// Converts a setting to a duration. A value out of range, which only an older release can have stored, is clamped to
/// the range.
fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(SECONDS.clamp(seconds))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn provider(retry: RetryOverride, request: RequestOverride) -> SettingsOverride {
        SettingsOverride { request, retry }
    }

    #[test]
    fn what_is_said_above_wins_and_what_is_not_stays() {
        let over: RetryOverride = serde_json::from_value(json!({"max_retries": 1})).unwrap();
        let request = RequestOverride { idle_timeout_seconds: Some(5.0), ..RequestOverride::default() };

        let settings = Settings::default().for_provider(&provider(over, request));

        let mut want = Settings::default();
        want.retry.max_retries = 1;
        want.request.idle_timeout_seconds = 5.0;
        assert_eq!(settings, want);
    }

    #[test]
    fn a_run_is_heard_before_its_provider_and_that_before_the_workspace() {
        let retries = |n| RetryOverride { max_retries: Some(n), ..RetryOverride::default() };
        let mut workspace = Settings::default();
        workspace.retry.max_retries = 1;
        let silent = SettingsOverride::default();
        let speaking = provider(retries(2), RequestOverride::default());
        let (plain, run) = (JobConfig::default(), JobConfig { retry: retries(3), ..JobConfig::default() });

        let found = [(&silent, &plain), (&speaking, &plain), (&speaking, &run)]
            .map(|(provider, job)| workspace.for_job(provider, job).retry.max_retries);
        assert_eq!(found, [1, 2, 3]);
    }

    #[test]
    fn the_longest_job_is_every_attempt_with_a_wait() {
        let mut settings = Settings::default();
        settings.request.total_timeout_seconds = 8.0;
        settings.retry.wait_max_seconds = 1.0;
        settings.retry.max_retries = 15;
        assert_eq!(settings.longest_job(), Duration::from_secs(16 * (8 + 1)));

        settings.retry.max_retries = 0;
        assert_eq!(settings.longest_job(), Duration::from_secs(8 + 1));
    }

    #[test]
    fn every_fault_is_named_with_its_place_and_range() {
        let mut settings = Settings::default();
        settings.request.idle_timeout_seconds = 0.0;
        settings.request.total_timeout_seconds = f64::NAN;
        settings.retry.max_retries = 101;

        let faults: Vec<_> = settings.faults().iter().map(ToString::to_string).collect();

        assert_eq!(
            faults,
            [
                "/request/idle_timeout_seconds: must be a number from 0.001 to 86400",
                "/request/total_timeout_seconds: must be a number from 0.001 to 86400",
                "/retry/max_retries: must be a whole number from 0 to 100",
            ]
        );
    }

    #[test]
    fn a_time_of_nonsense_length_is_within_the_range() {
        for (nonsense, want) in
            [(-1.0, 0.001), (f64::NAN, 86_400.0), (f64::INFINITY, 86_400.0), (1e300, 86_400.0)]
        {
            assert_eq!(seconds(nonsense), Duration::from_secs_f64(want), "{nonsense}");
        }
    }

    #[test]
    fn an_unknown_setting_is_refused() {
        assert!(serde_json::from_value::<RetryOverride>(json!({"max_retry": 1})).is_err());
    }
}
