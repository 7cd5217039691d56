use std::time::Duration;

/// Error of a broker that cannot be used, or that refused a call.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The URL may hold a password, so the text does not repeat it.
    #[error("the broker's URL is not of the form amqp://user:password@host:port/vhost")]
    BadUrl,
    #[error("the broker's URL: {reason}")]
    BadTls { reason: String },
    #[error("could not reach the broker at {address}: {reason}")]
    Unreachable {
        /// Host and port of the broker, without credentials.
        address: String,
        reason: String,
    },
    #[error("the broker refused {what}: {reason}")]
    Refused { what: String, reason: String },
    /// Each subscription takes a channel. What has one already goes on.
    #[error("the broker allows {max} channels for a connection, and all are in use: raise its channel_max")]
    TooManyChannels { max: u16 },
    #[error("the broker did not answer within {0:?}")]
    TimedOut(Duration),
    #[error("the broker connection is closed")]
    Closed,
}

/// Error of a publish. The broker may not have stored the message, so publish it again.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error("no queue takes messages for {0}")]
    Unroutable(String),
    /// The queue is full, or the broker could not store the message.
    #[error("the broker did not accept the message")]
    Rejected,
    /// The broker refuses a message of this size at every try.
    #[error("the message has {size} bytes, and the broker takes at most {max}: raise its max_message_size")]
    TooLarge { size: u64, max: u64 },
    #[error("the broker did not confirm within {0:?}")]
    TimedOut(Duration),
    #[error(transparent)]
    Broker(#[from] BrokerError),
}

impl PublishError {
    /// Converts the error of publishing a dead letter into the error of
    /// [`Delivery::dead_letter`](crate::Delivery::dead_letter).
    pub(crate) fn of_dead_letter(self) -> BrokerError {
        match self {
            Self::Broker(error) => error,
            other => BrokerError::Refused { what: "a dead letter".into(), reason: other.to_string() },
        }
    }
}

/// Error of a request. It may have been taken all the same, unless nobody takes requests.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    #[error("nobody answered within {0:?}")]
    NoAnswer(Duration),
    /// No process takes requests of this queue, nor did in the last minute or so.
    #[error("no process takes requests of {0}")]
    NobodyTakes(String),
    #[error(transparent)]
    Publish(#[from] PublishError),
}

impl RequestError {
    /// Converts the error of publishing a request to a queue that exists while a process takes from it.
    pub(crate) fn of_publish(error: PublishError) -> Self {
        match error {
            PublishError::Unroutable(queue) => Self::NobodyTakes(queue),
            other => Self::Publish(other),
        }
    }
}

/// Reason why messages cannot be published now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HealthError {
    #[error("the broker connection is closed")]
    Closed,
    #[error("not connected to {address}: {reason}")]
    Disconnected {
        /// Host and port of the broker, without credentials.
        address: String,
        reason: String,
    },
    /// The broker blocks all publishing until its memory or disk alarm is over.
    #[error("the broker at {address} accepts no messages: its memory or disk is full")]
    Blocked { address: String },
    /// A queue cannot be declared or taken from.
    #[error("{queue}: {reason}")]
    Queue { queue: String, reason: String },
}
