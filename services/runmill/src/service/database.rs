use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use runmill_store::postgres::PgStore;
use tokio_util::sync::CancellationToken;

/// Interval at which the tables are looked at, and longest time that a look may take.
const LOOK_EVERY: Duration = Duration::from_secs(5);
const LOOK_MAX: Duration = Duration::from_secs(12);

/// Result of the last look at the database's tables and the rights to them.
#[derive(Clone, Debug, Default)]
pub struct DatabaseHealth(Arc<Mutex<Option<String>>>);

impl DatabaseHealth {
    /// Returns the reason if the database could not be used at the last look.
    pub fn check(&self) -> Result<(), String> {
        let fault = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        fault.clone().map_or(Ok(()), Err)
    }

    fn set(&self, fault: Option<String>) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let (None, Some(reason)) = (&*now, &fault) {
            tracing::warn!(event = "database.not_usable", reason);
        }
        *now = fault;
    }
}

/// Looks at the database until `stop`, so that a process which does nothing at the moment is not ready either.
pub async fn watch(
    store: Arc<PgStore>,
    health: DatabaseHealth,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    while stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_some() {
        let looked = tokio::time::timeout(LOOK_MAX, store.check_tables()).await;
        health.set(match looked {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_elapsed) => Some(format!("the database did not answer within {LOOK_MAX:?}")),
        });
    }
    Ok(())
}
