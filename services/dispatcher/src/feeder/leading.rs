//! The lead of this process while it lasts.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use runmill_store::{Lead, RunRow};
use tokio::time::{sleep, timeout};

/// Length of the lease. A leader that is frozen is replaced after this time and one try to lead, and a dead one earlier.
pub const LEASE: Duration = Duration::from_secs(4);
/// Interval of the renewals: several may fail before the lease ends. A store that notices the death of a process waits for
/// the renewal of one that lives.
const RENEWED_EVERY: Duration = Duration::from_millis(500);
/// Difference between the clocks of two processes that both follow the store's, above what is seen.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_secs(1);

/// The lead and the time at which it began.
#[derive(Clone)]
pub struct Leading {
    lead: Arc<dyn Lead>,
    began: Timestamp,
}

impl Leading {
    pub fn new(lead: Box<dyn Lead>, began: Timestamp) -> Self {
        Self { lead: Arc::from(lead), began }
    }

    pub fn is_held(&self) -> bool {
        self.lead.is_held()
    }

    pub fn term(&self) -> u64 {
        self.lead.term()
    }

    /// Returns the time up to which an earlier leader may have fed, or `None` if this is the first lead.
    pub fn led_before(&self) -> Option<Timestamp> {
        (self.term() > 1).then_some(self.began + CLOCKS_DIFFER)
    }

    /// Returns true if an earlier leader may have published jobs of the run.
    pub fn may_be_fed_before(&self, run: &RunRow) -> bool {
        self.led_before().is_some_and(|until| run.created_at <= until)
    }

    /// Renews the lease until it is lost.
    pub async fn keep(self) {
        while self.is_held() {
            sleep(RENEWED_EVERY).await;
            match timeout(LEASE / 2, self.lead.renew()).await {
                Ok(Ok(true)) => {}
                Ok(Ok(false)) => tracing::warn!(event = "feeder.lead_lost", term = self.term()),
                Ok(Err(error)) => tracing::warn!(event = "feeder.renewal_failed", %error),
                Err(_elapsed) => tracing::warn!(event = "feeder.renewal_failed", error = "no answer in time"),
            }
        }
    }

    pub async fn release(&self) {
        // A store that does not answer must not hold up the end of the process: the lease ends by itself.
        let _ended = timeout(LEASE, self.lead.release()).await;
    }
}
