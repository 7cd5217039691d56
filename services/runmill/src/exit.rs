use std::{fmt::Display, process::Termination};

use reqwest::StatusCode;
use runmill_broker::{BrokerError, PublishError};
use runmill_config::ConfigError;
use runmill_store::StoreError;

use crate::{
    client::ClientError,
    screen::{PrintError, note, print_error_data},
};

/// Exit code of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    Completed = 0,
    /// The run did not complete, or something else failed.
    Failed = 1,
    /// The command line or the settings are wrong.
    Usage = 2,
    /// A server that is needed could not be reached.
    Unreachable = 3,
    /// The run completed, and is not as good as it must be.
    GateMissed = 4,
    /// The run completed, and some of its items failed.
    SomeFailed = 5,
    /// The user interrupted the command; shells report SIGINT as 128 + 2.
    Interrupted = 130,
}

impl ExitCode {
    /// Returns the worse of the exit codes of two runs.
    pub fn worse(self, other: Self) -> Self {
        const FROM_WORST: [ExitCode; 3] = [ExitCode::Failed, ExitCode::GateMissed, ExitCode::SomeFailed];
        FROM_WORST.into_iter().find(|code| [self, other].contains(code)).unwrap_or(self)
    }
}

impl Termination for ExitCode {
    fn report(self) -> std::process::ExitCode {
        std::process::ExitCode::from(self as u8)
    }
}

/// Fault of a command line, a file or a setting that the user can correct.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(String);

impl UsageError {
    pub fn new(message: impl Display) -> Self {
        Self(message.to_string())
    }
}

/// Returns `Err` with a [`UsageError`].
pub fn usage<T>(message: impl Display) -> anyhow::Result<T> {
    Err(UsageError::new(message).into())
}

/// Prints the error on standard error. Returns the exit code that fits it. A command whose reader wants no more ends
/// without a word.
pub fn print_error(error: &anyhow::Error) -> ExitCode {
    if matches!(error.downcast_ref(), Some(PrintError::Closed)) {
        return ExitCode::Completed;
    }
    note!("runmill: {error:#}");
    classify(error)
}

/// As [`print_error`], as a JSON object.
pub fn as_json(error: &anyhow::Error) -> ExitCode {
    if matches!(error.downcast_ref(), Some(PrintError::Closed)) {
        return ExitCode::Completed;
    }
    let code = classify(error);
    print_json_error(&format!("{error:#}"), code);
    code
}

/// Prints a fault and the exit code that tells its kind as a JSON object on standard error.
pub fn print_json_error(fault: &str, code: ExitCode) {
    print_error_data(serde_json::json!({"error": fault, "exit_code": code as u8}));
}

fn classify(error: &anyhow::Error) -> ExitCode {
    for cause in error.chain() {
        if cause.is::<UsageError>() || cause.is::<ConfigError>() {
            return ExitCode::Usage;
        }
        if is_bad_request(cause) {
            return ExitCode::Usage;
        }
        if is_unreachable(cause) {
            return ExitCode::Unreachable;
        }
    }
    ExitCode::Failed
}

/// Returns true if a server refused what the command line or a setting says.
fn is_bad_request(cause: &(dyn std::error::Error + 'static)) -> bool {
    matches!(
        cause.downcast_ref(),
        Some(
            ClientError::Unauthorized { .. }
                | ClientError::NoTls { .. }
                | ClientError::UnusableFile { .. }
                | ClientError::Refused { status: StatusCode::BAD_REQUEST, .. }
        )
    )
}

fn is_unreachable(cause: &(dyn std::error::Error + 'static)) -> bool {
    matches!(cause.downcast_ref(), Some(StoreError::Unavailable(_)))
        || matches!(cause.downcast_ref(), Some(BrokerError::Unreachable { .. } | BrokerError::TimedOut(_)))
        || matches!(cause.downcast_ref(), Some(PublishError::TimedOut(_)))
        || matches!(cause.downcast_ref(), Some(ClientError::Unreachable { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_worse_than_a_missed_gate() {
        use ExitCode::{Completed, Failed, GateMissed, SomeFailed};
        assert_eq!(Completed.worse(Completed), Completed);
        assert_eq!(Completed.worse(SomeFailed), SomeFailed);
        assert_eq!(SomeFailed.worse(GateMissed), GateMissed);
        assert_eq!(Failed.worse(GateMissed), Failed);
    }

    #[test]
    fn a_wrong_token_is_a_wrong_setting() {
        let refused = |status| ClientError::Refused { status, detail: "no".into() };
        let table = [
            (ClientError::Unauthorized { detail: "no".into() }, ExitCode::Usage),
            (refused(StatusCode::BAD_REQUEST), ExitCode::Usage),
            (refused(StatusCode::CONFLICT), ExitCode::Failed),
            (ClientError::Unreachable { url: "x".into(), reason: "no".into() }, ExitCode::Unreachable),
        ];
        for (error, want) in table {
            assert_eq!(classify(&anyhow::Error::new(error).context("asking")), want);
        }
    }
}
