//! Finds the run to which a client's call is charged.

use std::{sync::Arc, time::Duration};

use runmill_front_door::Refusal;
use runmill_proto::{ProviderId, RunConfig, RunId, RunKind, RunStatus, Tenant, TokenId, api::NewRun};
use runmill_runtime::Clock;
use runmill_store::{CreatedRun, DispatcherStore, RunRow, StoreError, interactive_dataset_id};
use tokio::time::Instant;
use uuid::Uuid;

use super::{known::Known, model::Resolved, refused};
use crate::{caller::Caller, idempotency_key::stored_key};

/// Time for which a run is taken from memory. One that is canceled takes no further calls after it.
const KEPT_FOR: Duration = Duration::from_secs(2);
/// Largest number of runs in memory.
const KEPT_MAX: usize = 1_000;
/// Time after which a call of a paused run may be sent again.
const PAUSED_AGAIN: Duration = Duration::from_mins(1);

/// Runs of clients' calls, which are made on demand: one for each day, tenant, token, provider and model.
pub struct Charges {
    store: Arc<dyn DispatcherStore>,
    clock: Clock,
    known: Known<Key, RunId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    day: String,
    tenant: Tenant,
    token_id: Option<TokenId>,
    provider_id: ProviderId,
    model: String,
}

impl Charges {
    pub fn new(store: Arc<dyn DispatcherStore>, clock: Clock) -> Self {
        Self { store, clock, known: Known::new(KEPT_FOR, KEPT_MAX) }
    }

    /// Returns the run that the client names, which its token must be able to steer.
    pub async fn named(&self, caller: &Caller, name: &str) -> Result<RunId, Refusal> {
        let id = name.parse::<RunId>().map_err(|error| {
            Refusal::invalid("x-runmill-run", format!("the header x-runmill-run: {error}"))
        })?;
        let row =
            caller.steered_run(&*self.store, id).await.map_err(|error| refused::from_api(error.into()))?;
        require_open(&row)?;
        Ok(id)
    }

    /// Returns the run of today's calls of this token at the model.
    pub async fn of_today(&self, caller: &Caller, at: &Resolved) -> Result<RunId, Refusal> {
        let key = Key {
            day: self.clock.now().strftime("%Y-%m-%d").to_string(),
            // Only a token of all tenants has none of its own.
            tenant: caller.tenant.clone().unwrap_or_else(|| at.provider.tenant.clone()),
            token_id: caller.id,
            provider_id: at.provider.id,
            model: at.model.clone(),
        };
        if let Some(run_id) = self.known.get(&key) {
            return Ok(run_id);
        }
        let read_at = Instant::now();
        let row = self.create(&key).await.map_err(refused::from_store)?;
        require_open(&row)?;
        self.known.insert(key, row.id, read_at);
        Ok(row.id)
    }

    /// Creates the run, unless it is there.
    async fn create(&self, key: &Key) -> Result<RunRow, StoreError> {
        let now = self.clock.now();
        let new = NewRun {
            name: Some(format!("interactive {}", key.day)),
            provider_id: key.provider_id,
            model: key.model.clone(),
            dataset_id: Some(interactive_dataset_id(&key.tenant)),
            config: RunConfig::default(),
            priority: None,
            budget: None,
            webhook: None,
        };
        let mut row = RunRow::new(RunId::from_uuid(Uuid::now_v7()), new, 0, now);
        (row.status, row.started_at) = (RunStatus::Running, Some(now));
        row.submission.kind = RunKind::Interactive;
        row.submission.tenant = key.tenant.clone();
        row.submission.token_id = key.token_id;
        row.submission.idempotency_key = Some(key.stored());
        match self.store.create_run(&row).await? {
            CreatedRun::New(row) => {
                tracing::info!(event = "run.created", run_id = %row.id, kind = "interactive");
                Ok(row)
            }
            CreatedRun::Existing(row) => Ok(row),
        }
    }
}

impl Key {
    /// Returns the idempotency key of the run. No key of a client has the separator.
    fn stored(&self) -> String {
        let Self { day, tenant, token_id, provider_id, model } = self;
        let token = token_id.map_or_else(|| "environment".to_owned(), |id| id.to_string());
        stored_key(tenant, &format!("\u{1f}interactive {day} {token} {provider_id} {model}"))
    }
}

/// Returns an error for a run that takes no calls.
fn require_open(row: &RunRow) -> Result<(), Refusal> {
    if row.cancel_requested_at.is_some() || row.status == RunStatus::Canceled {
        let words = format!("the run {} was canceled, and takes no calls", row.id);
        return Err(Refusal::new(403, words).with_code("run_canceled").final_answer());
    }
    if row.pause.is_some() {
        let words = format!("the run {} is paused: {}", row.id, row.pause_reason().unwrap_or("by a user"));
        return Err(Refusal::new(429, words).with_code("run_paused").retry_after(PAUSED_AGAIN));
    }
    Ok(())
}
