use jiff::SignedDuration;
use runmill_proto::api::Executor;
use runmill_runtime::Clock;
use runmill_store::{Executors, StoreError};

/// An executor reports every two seconds.
const SEEN_WITHIN: SignedDuration = SignedDuration::from_secs(10);

/// The executors that live now, as they last said of themselves.
pub async fn alive(store: &(impl Executors + ?Sized), clock: &Clock) -> Result<Vec<Executor>, StoreError> {
    store.executors(clock.now() - SEEN_WITHIN).await
}
