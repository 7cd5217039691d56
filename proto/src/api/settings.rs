use serde::{Deserialize, Serialize};

use crate::ConfigFault;

/// Workspace settings: what holds where neither run nor provider says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub request: RequestSettings,
    pub retry: RetrySettings,
}

/// One group of settings, and what may be said above it: the same fields, each of which may be absent.
///
/// A field is a number with its range, both ends included; its pointer is its place in the JSON.
macro_rules! settings {
    (
        $(#[$doc:meta])* $name:ident, $(#[$over_doc:meta])* $override:ident at $place:literal {
            $($(#[$field_doc:meta])* $field:ident: $type:ty = $default:expr, $min:expr, $max:expr;)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(default, deny_unknown_fields)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)+ }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        $(#[$over_doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(default, deny_unknown_fields)]
        pub struct $override {
            $($(#[$field_doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<$type>,)+
        }

        impl $name {
            /// These with what `over` says above them.
            #[must_use]
            pub fn under(&self, over: &$override) -> Self {
                Self { $($field: over.$field.unwrap_or(self.$field),)+ }
            }

            /// Everything that is out of its range.
            pub fn faults(&self) -> Vec<ConfigFault> {
                $override { $($field: Some(self.$field),)+ }.faults()
            }
        }

        impl $override {
            pub fn is_empty(&self) -> bool {
                *self == Self::default()
            }

            /// Everything that is out of its range.
            pub fn faults(&self) -> Vec<ConfigFault> {
                let checks = [$(
                    (stringify!($field), self.$field.is_none_or(|value| ($min..=$max).contains(&value)),
                        format!("must be from {} to {}", $min, $max)),
                )+];
                let wrong = checks.into_iter().filter(|(_, fits, _)| !fits);
                wrong
                    .map(|(field, _, detail)| ConfigFault { pointer: format!("/{}/{field}", $place), detail })
                    .collect()
            }
        }
    };
}

/// The shortest time-out: below it nothing could ever be answered.
const SECONDS_MIN: f64 = 0.001;
const DAY_SECONDS: f64 = 86_400.0;

settings! {
    /// Time-outs of one attempt, in seconds.
    RequestSettings,
    /// Time-outs that a provider or a run says for itself, in seconds.
    RequestOverride at "request" {
        /// To open a connection, TLS included.
        connect_timeout_seconds: f64 = 10.0, SECONDS_MIN, DAY_SECONDS;
        /// From the request to the first token.
        first_token_timeout_seconds: f64 = 120.0, SECONDS_MIN, DAY_SECONDS;
        /// The longest silence between two tokens.
        idle_timeout_seconds: f64 = 60.0, SECONDS_MIN, DAY_SECONDS;
        /// From the slot that the attempt got to the end of its answer.
        total_timeout_seconds: f64 = 600.0, SECONDS_MIN, DAY_SECONDS;
    }
}

settings! {
    /// When to ask again, and when not.
    RetrySettings,
    /// What a provider or a run says for itself of when to ask again.
    RetryOverride at "retry" {
        /// Attempts after the first, over all the times that a job is fed; waiting for a rate limit does not
        /// count.
        max_retries: u32 = 4, 0, 100;
        /// The backoff's first ceiling; it doubles with each attempt.
        backoff_base_seconds: f64 = 0.5, SECONDS_MIN, DAY_SECONDS;
        backoff_max_seconds: f64 = 30.0, SECONDS_MIN, DAY_SECONDS;
        /// A longer wait than this frees the slot and defers the job.
        wait_max_seconds: f64 = 30.0, SECONDS_MIN, DAY_SECONDS;
        /// Retries in percent of a provider's first attempts. Beyond it, jobs are deferred instead of asking
        /// again at once, so that a provider in trouble gets no more than this on top of its load.
        budget_percent: f64 = 20.0, 0.0, 1_000.0;
        /// How often a job may be deferred before it fails.
        max_deferrals: u32 = 1_000, 0, 10_000;
    }
}

impl Settings {
    /// These with what a provider or a run says above them.
    #[must_use]
    pub fn under(&self, request: &RequestOverride, retry: &RetryOverride) -> Self {
        Self { request: self.request.under(request), retry: self.retry.under(retry) }
    }

    /// Everything that is out of its range.
    pub fn faults(&self) -> Vec<ConfigFault> {
        [self.request.faults(), self.retry.faults()].concat()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_said_above_wins_and_what_is_not_stays() {
        let over: RetryOverride = serde_json::from_value(json!({"max_retries": 1})).unwrap();
        let request = RequestOverride { idle_timeout_seconds: Some(5.0), ..RequestOverride::default() };

        let settings = Settings::default().under(&request, &over);

        let mut want = Settings::default();
        want.retry.max_retries = 1;
        want.request.idle_timeout_seconds = 5.0;
        assert_eq!(settings, want);
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
                "/request/idle_timeout_seconds: must be from 0.001 to 86400",
                "/request/total_timeout_seconds: must be from 0.001 to 86400",
                "/retry/max_retries: must be from 0 to 100",
            ]
        );
    }

    #[test]
    fn an_unknown_setting_is_refused() {
        assert!(serde_json::from_value::<RetryOverride>(json!({"max_retry": 1})).is_err());
    }
}
