use std::future::{Future, pending};

use tokio_util::sync::CancellationToken;

/// What ends a call from outside, and leaves its record whole.
#[derive(Clone, Debug, Default)]
pub struct Interrupts {
    /// Ends the call as long as no request was made: somebody else may make it.
    pub before_start: CancellationToken,
    /// Ends the call whatever it does. A request in flight is recorded as interrupted.
    pub at_once: CancellationToken,
}

impl Interrupts {
    /// Does `work` unless it is interrupted.
    pub(crate) async fn cut<T>(
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
