use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use runmill_runtime::ServerClock;
use runmill_store::{ServerTime, StoreError};
use tokio_util::sync::CancellationToken;

/// Interval at which the time of the store is read. A quartz clock drifts by less than a millisecond in it.
const FOLLOW_EVERY: Duration = Duration::from_secs(10);
/// Longest time that a reading may take: it is the bound of the clock's error.
const READING_MAX: Duration = Duration::from_millis(500);

/// Sets the clock to the store's time, by a reading of any quality, so that the process never begins with a wrong time.
pub async fn begin(store: &(impl ServerTime + ?Sized), clock: &ServerClock) -> Result<(), StoreError> {
    read(store, clock, Duration::MAX).await
}

/// Keeps the clock at the store's time until `stop`. While the store cannot be read, the clock goes on by itself.
pub async fn follow(
    store: Arc<dyn ServerTime>,
    clock: ServerClock,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    while stop.run_until_cancelled(tokio::time::sleep(FOLLOW_EVERY)).await.is_some() {
        if let Err(error) = read(&*store, &clock, READING_MAX).await {
            tracing::debug!(event = "clock.not_read", %error);
        }
    }
    Ok(())
}

async fn read(
    store: &(impl ServerTime + ?Sized),
    clock: &ServerClock,
    reading_max: Duration,
) -> Result<(), StoreError> {
    let began = Instant::now();
    let Some(shown) = store.server_time().await? else { return Ok(()) };
    let took = began.elapsed();
    if took <= reading_max {
        // The server read its clock at some moment of the wait; its middle halves the largest error.
        clock.set(shown + took / 2);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use jiff::{SignedDuration, Timestamp};

    use super::*;

    /// A store whose clock is ahead of this machine's.
    struct Ahead(SignedDuration);

    #[async_trait]
    impl ServerTime for Ahead {
        async fn server_time(&self) -> Result<Option<Timestamp>, StoreError> {
            Ok(Some(ServerClock::default().clock().now() + self.0))
        }
    }

    #[tokio::test]
    async fn a_machine_whose_clock_is_wrong_writes_the_times_of_the_store() {
        let ten_minutes = SignedDuration::from_mins(10);
        for ahead in [ten_minutes, -ten_minutes] {
            let machine = ServerClock::default().clock();
            let followed = ServerClock::default();

            begin(&Ahead(ahead), &followed).await.unwrap();

            let differs = followed.clock().now().duration_since(machine.now()) - ahead;
            assert!(differs.abs() < SignedDuration::from_secs(5), "{differs}");
        }
    }
}
