use serde::{Deserialize, Serialize};

use crate::{
    ConfigFault, Range,
    range::{number, optional_number},
};

/// Declares one group of settings and its override: the same fields, each of which may be absent.
///
/// A field is a number with its range; its pointer is its place in the JSON.
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
            /// These settings, with the values of `over` in place of their own.
            #[must_use]
            pub fn under(&self, over: &$override) -> Self {
                Self { $($field: over.$field.unwrap_or(self.$field),)+ }
            }

            /// One fault for each value that is out of its range.
            pub fn faults(&self) -> Vec<ConfigFault> {
                $override { $($field: Some(self.$field),)+ }.faults()
            }
        }

        impl $override {
            pub fn is_empty(&self) -> bool {
                *self == Self::default()
            }

            /// One fault for each value that is out of its range.
            pub fn faults(&self) -> Vec<ConfigFault> {
                let faults = [$(
                    $range.fault(concat!("/", $place, "/", stringify!($field)), self.$field),
                )+];
                faults.into_iter().flatten().collect()
            }

            /// The same override with each value moved into its range.
            #[must_use]
            pub(crate) fn clamped(&self) -> Self {
                Self { $($field: self.$field.map(|value| $range.clamp(value)),)+ }
            }
        }
    };
}

/// Times, in seconds. Nothing could be answered within a shorter time-out.
pub(crate) const SECONDS: Range<f64> = Range::new(0.001, 86_400.0);

/// Attempts after the first.
pub(crate) const RETRIES: Range<u32> = Range::new(0, 100);

settings! {
    /// Time-outs of one attempt, in seconds.
    RequestSettings,
    /// Time-outs that a provider or a run states for itself, in seconds.
    RequestOverride at "request" {
        /// Longest time to open a connection, TLS included, from 0.001 to 86400.
        connect_timeout_seconds: f64 = 10.0, SECONDS;
        /// Longest time from the request to the first token, from 0.001 to 86400.
        first_token_timeout_seconds: f64 = 120.0, SECONDS;
        /// Longest silence between two tokens, from 0.001 to 86400.
        idle_timeout_seconds: f64 = 60.0, SECONDS;
        /// Longest time of one attempt, from its permit to the end of its answer, from 0.001 to 86400.
        total_timeout_seconds: f64 = 600.0, SECONDS;
    }
}

settings! {
    /// Rules for asking a provider again.
    RetrySettings,
    /// Rules for asking again that a provider or a run states for itself.
    RetryOverride at "retry" {
        /// Attempts after the first, from 0 to 100, counted over all the times that a job is fed. Waiting for a rate
        /// limit uses up none.
        max_retries: u32 = 4, RETRIES;
        /// First ceiling of the backoff, from 0.001 to 86400; it doubles with each attempt.
        backoff_base_seconds: f64 = 0.5, SECONDS;
        /// Highest ceiling of the backoff, from 0.001 to 86400.
        backoff_max_seconds: f64 = 30.0, SECONDS;
        /// Longest wait that a job spends with its executor, from 0.001 to 86400. A longer one frees the slot and defers the job.
        wait_max_seconds: f64 = 30.0, SECONDS;
        /// Retries in percent of a provider's first attempts, from 0 to 1000. Beyond it, jobs are deferred instead of
        /// being asked again at once, so that a provider in trouble gets no more than this on top of its load.
        budget_percent: f64 = 20.0, Range::new(0.0, 1_000.0);
        /// Number of times that a job may be deferred before it fails, from 0 to 10000.
        max_deferrals: u32 = 1_000, Range::new(0, 10_000);
    }
}
