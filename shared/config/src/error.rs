use std::fmt;

/// Error with every fault of the settings, in words for the person who wrote them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    pub problems: Vec<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid settings:")?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl ConfigError {
    /// Returns `value` if there are no problems.
    pub(crate) fn unless<T>(problems: Vec<String>, value: T) -> Result<T, Self> {
        if problems.is_empty() { Ok(value) } else { Err(Self { problems }) }
    }
}

/// Error for a value that a variable cannot have. The text does not repeat the value, which may be secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ValueError {
    #[error("must be true or false")]
    Flag,
    #[error("must be address:port, such as 127.0.0.1:8080 or [::]:8080")]
    SocketAddress,
    #[error("must begin with postgresql:// and name a host")]
    Postgres,
    #[error("must begin with amqp:// or amqps:// and name a host")]
    Amqp,
    #[error("must begin with http:// or https:// and name a host")]
    HttpUrl,
    #[error("must be origins such as https://platform.example.com, separated by commas, each without a path")]
    Origin,
    #[error("must be at most 64 letters, digits, dots, dashes, underscores")]
    QueuePrefix,
    /// Position of a header, from 1.
    #[error("header {0} must be name=value")]
    Header(usize),
    #[error("must be always_on, always_off or traceidratio, or one of these with parentbased_ in front")]
    Sampler,
}
