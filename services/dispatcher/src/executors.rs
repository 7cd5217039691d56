use runmill_proto::api::Executor;
use runmill_runtime::Clock;
use runmill_store::{ExecutorReader, StoreError};

/// The executors that live now, as they last said of themselves.
pub async fn alive(
    store: &(impl ExecutorReader + ?Sized),
    clock: &Clock,
) -> Result<Vec<Executor>, StoreError> {
    store.executors(clock.now() - Executor::ALIVE_FOR).await
}
