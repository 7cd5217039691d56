use std::time::Duration;

/// Bounds and waits of the front door.
#[derive(Clone, Copy, Debug)]
pub struct FrontDoorSettings {
    /// Largest body of a request, in bytes.
    pub body_max_bytes: usize,
    /// Maximum number of calls in flight of all clients.
    pub calls_max: usize,
    /// Maximum number of calls in flight of one token.
    pub token_calls_max: usize,
    /// Time after which a buffered request that still waits gets its status, so that its client waits on. It is below half
    /// the shortest time-out of a client, and a failure that is found later can only cut the connection. It is above the time
    /// for which a call without an executor is held, so that the client of a buffered one is told.
    pub status_after: Duration,
    /// Time after which a streamed request that still waits gets its status.
    pub stream_after: Duration,
    /// Interval of the signs of life that follow the status.
    pub sign_every: Duration,
    /// Time after which a call without an answer is given up.
    pub call_timeout: Duration,
    /// Time for which the call of a client whose own time-out has passed waits for the client's retry.
    pub retry_within: Duration,
    /// Interval of the looks for an executor while none sends an event.
    pub look_every: Duration,
}

impl Default for FrontDoorSettings {
    fn default() -> Self {
        Self {
            body_max_bytes: 16 * 1024 * 1024,
            calls_max: 4_096,
            token_calls_max: 1_024,
            status_after: Duration::from_secs(75),
            stream_after: Duration::from_secs(15),
            sign_every: Duration::from_secs(5),
            call_timeout: Duration::from_mins(20),
            retry_within: Duration::from_secs(10),
            look_every: Duration::from_secs(10),
        }
    }
}
