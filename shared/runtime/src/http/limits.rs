use std::time::Duration;

/// Limits of a listener and its connections.
#[derive(Clone, Copy, Debug)]
pub struct HttpLimits {
    /// Maximum number of connections of callers that have signed in.
    pub connections: usize,
    /// Number of connections beyond these, for callers that have not signed in yet and for probes.
    pub strangers: usize,
    /// Longest time from the acceptance of a connection to the end of its first request's head, TLS included.
    pub head_timeout: Duration,
    /// Longest time from the end of a response to the end of the next request's head.
    pub idle_timeout: Duration,
    /// Age from which on a connection takes no further request. What is in progress then goes on.
    pub age_max: Duration,
    /// Time within which a client must send [`Self::BODY_MIN`] of a body, or take any part of a response. Only the time
    /// counts in which the server waits for the client.
    pub stall_timeout: Duration,
}

impl HttpLimits {
    /// Usual number of [`Self::strangers`]. A flood of 5,000 new connections a second leaves each of them 25 ms for its head.
    const STRANGERS: usize = 128;
    /// Largest head of a request, with its first line, in bytes.
    pub const HEAD_MAX: usize = 32 * 1024;
    /// Longest path with its query, in bytes.
    pub const URL_MAX: usize = 8 * 1024;
    /// Number of bytes of a body that must come within [`Self::stall_timeout`].
    pub const BODY_MIN: usize = 8 * 1024;
    /// Connections of the endpoints for operators: some probes and some scrapers.
    pub const OPS: Self = Self { strangers: 64, ..Self::new(0, Duration::from_secs(75)) };

    pub const fn new(connections: usize, idle_timeout: Duration) -> Self {
        Self {
            connections,
            strangers: Self::STRANGERS,
            head_timeout: Duration::from_secs(10),
            idle_timeout,
            age_max: Duration::from_hours(1),
            stall_timeout: Duration::from_secs(30),
        }
    }
}
