use runmill_proto::api::ExecutorStatus;
use runmill_runtime::Clock;
use runmill_store::{Executors, StoreError};

/// The executors that live now, as they last said of themselves.
pub async fn alive(
    store: &(impl Executors + ?Sized),
    clock: &Clock,
) -> Result<Vec<ExecutorStatus>, StoreError> {
    store.executors(clock.now() - ExecutorStatus::ALIVE_FOR).await
}
