use std::future::{Future, pending};

use tokio_util::sync::CancellationToken;

/// Tokens by which a caller ends a call early. The call still returns the record of its attempts.
#[derive(Clone, Debug, Default)]
pub struct Interrupts {
    /// Ends the call only if its first attempt has not started, so that another executor can make it.
    pub before_start: CancellationToken,
    /// Ends the call in any state. A request in flight is recorded as interrupted.
    pub at_once: CancellationToken,
}

impl Interrupts {
    /// Runs `work` to its end. Returns `None` if it was interrupted.
    pub(crate) async fn run<T>(
        &self,
        work: impl Future<Output = T>,
        has_started: impl Fn() -> bool,
    ) -> Option<T> {
        let unstarted = async {
            self.before_start.cancelled().await;
            if has_started() {
                pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            () = self.at_once.cancelled() => None,
            () = unstarted => None,
            done = work => Some(done),
        }
    }
}
