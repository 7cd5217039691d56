use serde::{Deserialize, Serialize};

use crate::{
    ConfigFault, Range,
    range::{number, optional_number},
};

/// Declares one group of settings and its override: a struct with the same fields, each of which may be absent.
///
/// A field is a number with its range. The pointer of its fault is its JSON pointer in the settings.
macro_rules! settings {
    (
        $(#[$doc:meta])* $name:ident, $(#[$over_doc:meta])* $override:ident at $place:literal {
            $($(#[$field_doc:meta])* $field:ident: $type:ty = $default:expr, $range:expr;)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_doc])* #[serde(deserialize_with = "number")] pub $field: $type,)+
        }

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
            $(
                $(#[$field_doc])*
                #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "optional_number")]
                pub $field: Option<$type>,
            )+
        }

        impl $name {
            /// Returns these settings, with each value that `over` states in place of the old one.
            #[must_use]
            pub fn under(&self, over: &$override) -> Self {
                Self { $($field: over.$field.unwrap_or(self.$field),)+ }
            }

            /// Returns one fault for each value that is out of its range.
            pub fn faults(&self) -> Vec<ConfigFault> {
                $override { $($field: Some(self.$field),)+ }.faults()
            }
        }

        impl $override {
            pub fn is_empty(&self) -> bool {
                *self == Self::default()
            }

            /// Returns one fault for each value that is out of its range.
            pub fn faults(&self) -> Vec<ConfigFault> {
                let faults = [$(
                    $range.fault(concat!("/", $place, "/", stringify!($field)), self.$field),
                )+];
                faults.into_iter().flatten().collect()
            }

            /// Returns the same override with each value clamped to its range.
            #[must_use]
            pub(crate) fn clamped(&self) -> Self {
                Self { $($field: self.$field.map(|value| $range.clamp(value)),)+ }
            }
        }
    };
}

/// Range of all times, in seconds. No request could be answered within a shorter time-out.
pub(crate) const SECONDS: Range<f64> = Range::new(0.001, 86_400.0);

/// Range of the number of retries.
pub(crate) const RETRIES: Range<u32> = Range::new(0, 100);

settings! {
    /// Time-outs of the workspace for one attempt, in seconds.
    RequestSettings,
    /// Time-outs of a provider or a run, in seconds. They take precedence over the workspace's.
    RequestOverride at "request" {
        /// Longest time to open a connection, including TLS, from 0.001 to 86400.
        connect_timeout_seconds: f64 = 10.0, SECONDS;
        /// Longest silence before the first token, from 0.001 to 86400. Any bytes end a silence.
        first_token_timeout_seconds: f64 = 120.0, SECONDS;
        /// Longest silence between two tokens, from 0.001 to 86400.
        idle_timeout_seconds: f64 = 60.0, SECONDS;
        /// Longest time of one attempt, from 0.001 to 86400. The wait for a free slot does not count.
        total_timeout_seconds: f64 = 600.0, SECONDS;
    }
}

settings! {
    /// Retry settings of the workspace.
    RetrySettings,
    /// Retry settings of a provider or a run. They take precedence over the workspace's.
    RetryOverride at "retry" {
        /// Number of attempts after the first, from 0 to 100, over all the times that the job is fed to the queue.
        /// Waits for a rate limit do not count.
        max_retries: u32 = 4, RETRIES;
        /// Upper bound of the first backoff, which is random, from 0.001 to 86400. The bound doubles with each
        /// attempt.
        backoff_base_seconds: f64 = 0.5, SECONDS;
        /// Largest upper bound of a backoff, where the doubling ends, from 0.001 to 86400.
        backoff_max_seconds: f64 = 30.0, SECONDS;
        /// Longest wait before a retry, from 0.001 to 86400. A job that has to wait longer leaves the executor and is
        /// deferred.
        wait_max_seconds: f64 = 30.0, SECONDS;
        /// Retry budget: retries in percent of the provider's first attempts, from 0 to 1000. Beyond it, jobs are
        /// deferred instead of retried, so that a failing provider gets no more additional load than this.
        budget_percent: f64 = 20.0, Range::new(0.0, 1_000.0);
        /// Number of times that a job may be deferred before it fails, from 0 to 10000.
        max_deferrals: u32 = 1_000, Range::new(0, 10_000);
        /// Trial of a run, from 0 to 1000: until its first answer, at most this many of its jobs are in the queue or in
        /// flight, and it pauses once this many have failed with the same kind of error. 0: no trial.
        trial_calls: u32 = 10, Range::new(0, 1_000);
    }
}
