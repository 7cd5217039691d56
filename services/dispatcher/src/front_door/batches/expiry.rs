use runmill_store::{StoreError, Transition};

use crate::run_control::RunControl;

/// Number of batches that expire in one pass.
const AT_ONCE: u32 = 100;

/// Cancels what is left of batches whose completion window is over. Calls in flight finish, because they are paid. May be
/// repeated after a failure, and run in several processes.
pub async fn expire(runs: &RunControl) -> Result<(), StoreError> {
    let now = runs.clock.now();
    for id in runs.store.overdue_batches(now, AT_ONCE).await? {
        // The mark comes first: a cancel without it would look like a client's.
        runs.store.expire_batch(id, now).await?;
        runs.apply_if_possible(id, Transition::CancelGracefully).await?;
        tracing::info!(event = "batch.expired", run_id = %id);
    }
    Ok(())
}
