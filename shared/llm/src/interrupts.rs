use std::future::{Future, pending};

use tokio_util::sync::CancellationToken;

/// Tokens by which a caller ends a call early. The call still returns the record of its attempts.
#[derive(Clone, Debug, Default)]
pub struct Interrupts {
    /// Ends the call only if its first attempt has not started, so that another executor can make it.
    pub before_start: CancellationToken,
    /// Ends the call unless a request is in flight, which is then the last one.
    pub between_attempts: CancellationToken,
    /// Ends the call in any state. A request in flight is recorded as interrupted.
    pub at_once: CancellationToken,
}

/// State of a call, in the order in which a call goes through them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// No request was made yet.
    Unstarted,
    /// An attempt has ended, and the next one waits.
    BetweenAttempts,
    /// A request is in flight.
    InFlight,
}

impl Interrupts {
    /// Runs `work` to its end. Returns `None` if it was interrupted.
    pub(crate) async fn run<T>(&self, work: impl Future<Output = T>, stage: impl Fn() -> Stage) -> Option<T> {
        let unstarted = async {
            self.before_start.cancelled().await;
            if stage() != Stage::Unstarted {
                pending::<()>().await;
            }
        };
        let waiting = async {
            self.between_attempts.cancelled().await;
            if stage() == Stage::InFlight {
                pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            () = self.at_once.cancelled() => None,
            () = unstarted => None,
            () = waiting => None,
            done = work => Some(done),
        }
    }
}
