use std::time::Duration;

/// The broker cannot be used, or refused what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The text says nothing of the URL, which may hold a password.
    #[error("the broker's URL is not of the form amqp://user:password@host:port/vhost")]
    BadUrl,
    #[error("could not reach the broker at {address}: {reason}")]
    Unreachable {
        /// Host and port, never the credentials.
        address: String,
        reason: String,
    },
    #[error("the broker refused {what}: {reason}")]
    Refused { what: String, reason: String },
    #[error("the broker did not answer within {0:?}")]
    TimedOut(Duration),
    #[error("the broker connection is closed")]
    Closed,
}

/// The message may not have been taken: publish it again.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error("no queue takes messages for {0}")]
    Unroutable(String),
    /// The queue is full, or the broker could not store it.
    #[error("the broker did not accept the message")]
    Rejected,
    #[error("the broker did not confirm within {0:?}")]
    TimedOut(Duration),
    #[error(transparent)]
    Broker(#[from] BrokerError),
}

impl PublishError {
    /// What the failed copy means to who wanted to have a dead letter.
    pub(crate) fn of_dead_letter(self) -> BrokerError {
        match self {
            Self::Broker(error) => error,
            other => BrokerError::Refused { what: "a dead letter".into(), reason: other.to_string() },
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    #[error("nobody answered within {0:?}")]
    NoAnswer(Duration),
    #[error(transparent)]
    Publish(#[from] PublishError),
}
