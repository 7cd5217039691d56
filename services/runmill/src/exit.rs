use std::process::ExitCode;

use runmill_broker::{BrokerError, PublishError};
use runmill_config::ConfigError;
use runmill_store::StoreError;

use crate::client::ClientError;

/// How the process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    Completed = 0,
    /// The run ended, but not well; or something else failed.
    Failed = 1,
    /// The command or the settings are wrong.
    Usage = 2,
    /// A service that is needed could not be reached.
    Unreachable = 3,
    /// Stopped by the user, as shells have it for SIGINT.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What the user asked for cannot be done as it was asked.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// `Err` with a [`UsageError`].
pub fn usage<T>(message: impl Into<String>) -> anyhow::Result<T> {
    Err(UsageError(message.into()).into())
}

/// Says what went wrong, and with which code the process ends.
pub fn report(error: &anyhow::Error) -> Exit {
    eprintln!("runmill: {error:#}");
    classify(error)
}

fn classify(error: &anyhow::Error) -> Exit {
    for cause in error.chain() {
        if cause.is::<UsageError>() || cause.is::<ConfigError>() {
            return Exit::Usage;
        }
        if is_unreachable(cause) {
            return Exit::Unreachable;
        }
    }
    Exit::Failed
}

fn is_unreachable(cause: &(dyn std::error::Error + 'static)) -> bool {
    matches!(cause.downcast_ref(), Some(StoreError::Unavailable(_)))
        || matches!(cause.downcast_ref(), Some(BrokerError::Unreachable { .. } | BrokerError::TimedOut(_)))
        || matches!(cause.downcast_ref(), Some(PublishError::TimedOut(_)))
        || matches!(cause.downcast_ref(), Some(ClientError::Unreachable { .. }))
}
