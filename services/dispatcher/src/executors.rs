use runmill_proto::api::ExecutorStatus;
use runmill_runtime::Clock;
use runmill_store::{ExecutorReader, StoreError};

/// Returns the executors that are alive, as their last heartbeats reported them.
pub async fn alive(
    store: &(impl ExecutorReader + ?Sized),
    clock: &Clock,
) -> Result<Vec<ExecutorStatus>, StoreError> {
    store.executors(clock.now() - ExecutorStatus::ALIVE_FOR).await
}
