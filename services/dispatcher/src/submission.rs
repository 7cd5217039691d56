use std::sync::Arc;

use runmill_proto::{
    ConfigFault, JobConfig, RunId,
    api::{Budget, Dataset, NewRun},
};
use runmill_runtime::Clock;
use runmill_store::{CreatedRun, DispatcherStore, ProviderRow, RunRow, StoreError};
use runmill_telemetry::trace;
use tokio::sync::Notify;
use tracing::{Instrument, Span};
use uuid::Uuid;

use crate::{
    caller::Caller,
    error::{UseCaseError, fault, model_fault, name_fault},
    idempotency_key::{IdempotencyKey, stored_key},
};

/// Checks the runs that users submit and creates them.
#[derive(Clone)]
pub struct Submission {
    pub store: Arc<dyn DispatcherStore>,
    pub clock: Clock,
    /// Wakes the feeder.
    pub wake: Arc<Notify>,
}

impl Submission {
    /// Creates the run that `new` asks for. If `key` was used before for the same request, returns the run that was
    /// created then.
    ///
    /// The run belongs to the tenant of its dataset, which `caller` must see. `traceparent` is the W3C trace context of the request.
    pub async fn submit(
        &self,
        caller: &Caller,
        new: NewRun,
        key: Option<IdempotencyKey>,
        traceparent: Option<&str>,
    ) -> Result<RunRow, UseCaseError> {
        let mut row = self.checked(caller, new).await?;
        let span = span(&row, traceparent);
        row.submission.idempotency_key = key.map(|key| stored_key(&row.submission.tenant, key.as_str()));
        row.submission.traceparent = trace::context_of(&span);
        match self.store.create_run(&row).instrument(span).await? {
            CreatedRun::New(row) => {
                tracing::info!(event = "run.created", run_id = %row.id, jobs = row.total);
                self.wake.notify_one();
                Ok(row)
            }
            CreatedRun::Existing(row) => Ok(row),
        }
    }

    /// Returns the row of a run without any fed job, or every fault of `new`.
    async fn checked(&self, caller: &Caller, new: NewRun) -> Result<RunRow, UseCaseError> {
        let (store, mut faults) = (&*self.store, Vec::new());
        let provider = caller.provider(store, new.provider_id).await;
        let provider = referenced(provider, "/provider_id", &mut faults)?;
        let dataset = caller.dataset(store, new.dataset_id).await;
        let dataset = referenced(dataset, "/dataset_id", &mut faults)?;
        faults.extend(value_faults(&new));
        if let (Some(provider), Some(dataset)) = (&provider, &dataset) {
            faults.extend(stranger_fault(provider, dataset));
        }
        let Some(dataset) = dataset.filter(|_| faults.is_empty()) else {
            return Err(UseCaseError::Invalid(faults));
        };
        let total = dataset.item_count * u64::from(new.config.samples());
        let mut row = RunRow::new(RunId::from_uuid(Uuid::now_v7()), new, total, self.clock.now());
        row.submission.tenant = dataset.tenant;
        row.submission.token_id = caller.id;
        Ok(row)
    }
}

/// Returns a fault if the provider is not for runs of the dataset's tenant, to which the run will belong. Only a token of all
/// tenants can name two strangers.
fn stranger_fault(provider: &ProviderRow, dataset: &Dataset) -> Option<ConfigFault> {
    let fits = provider.shared || provider.tenant == dataset.tenant;
    (!fits).then(|| fault("/provider_id", "belongs to another tenant than the dataset, and is not shared"))
}

/// Returns the span of a submission, in the caller's trace if there is one. Jobs have traces of their own that link to
/// this one: nobody could look at a trace of a million jobs.
fn span(row: &RunRow, traceparent: Option<&str>) -> Span {
    let span = tracing::info_span!(
        target: trace::ONLY,
        parent: None,
        "run.submit",
        run_id = %row.id,
        provider_id = %row.submission.provider_id,
        model = row.submission.model,
        jobs = row.total,
    );
    trace::continue_from(&span, traceparent);
    span
}

/// Adds a fault if the request refers to something that does not exist. That is an error in the body (400) and not in
/// the path (404).
fn referenced<T>(
    found: Result<T, StoreError>,
    pointer: &str,
    faults: &mut Vec<ConfigFault>,
) -> Result<Option<T>, StoreError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error @ StoreError::NotFound { .. }) => {
            faults.push(fault(pointer, error));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn value_faults(new: &NewRun) -> Vec<ConfigFault> {
    let mut faults: Vec<_> = model_fault(&new.model).into_iter().collect();
    faults.extend(new.name.as_ref().and_then(|name| name_fault("/name", name)));
    faults.extend(NewRun::PRIORITY.fault("/priority", new.priority));
    faults.extend(new.budget.iter().flat_map(Budget::faults));
    let config = new.config.job().map_or_else(|faults| faults, |job| job_faults(&job));
    faults.extend(config.into_iter().map(|found| fault(format!("/config{}", found.pointer), found.detail)));
    faults
}

/// Returns a fault for a prompt template or a scorer that cannot be compiled. Only the compilers of both can check
/// that.
fn job_faults(job: &JobConfig) -> Vec<ConfigFault> {
    let scoring = job.scoring.as_ref().and_then(|scoring| runmill_scoring::check(scoring).err());
    let template = job.prompt_template.as_ref().and_then(|text| runmill_prompt::check(text).err());
    let scoring = scoring.map(|error| fault("/scoring", error));
    let template = template.map(|error| fault("/prompt_template", error));
    scoring.into_iter().chain(template).collect()
}

#[cfg(test)]
mod tests {
    use runmill_proto::{DatasetId, ProviderId, testing};
    use serde_json::json;

    use super::*;

    fn new_run() -> NewRun {
        testing::new_run(ProviderId::from_uuid(Uuid::nil()), DatasetId::from_uuid(Uuid::nil()))
    }

    fn not_found() -> StoreError {
        StoreError::NotFound { what: "provider", id: "p".into() }
    }

    #[test]
    fn every_wrong_value_is_found_at_once() {
        let config = json!({"scoring": {"scorer": "regex", "pattern": "("}, "prompt_template": "{{"});
        let new = NewRun {
            model: " ".into(),
            priority: Some(0),
            budget: Some(Budget { calls: Some(0), ..Budget::default() }),
            config: serde_json::from_value(config).unwrap(),
            ..new_run()
        };
        let faults = value_faults(&new);
        let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(
            pointers,
            ["/model", "/priority", "/budget/calls", "/config/scoring", "/config/prompt_template"]
        );
        assert_eq!(value_faults(&new_run()), []);
    }

    #[test]
    fn a_reference_to_nothing_is_a_fault_and_a_broken_store_is_not() {
        let mut faults = Vec::new();
        assert_eq!(referenced::<()>(Err(not_found()), "/provider_id", &mut faults).unwrap(), None);
        assert!(referenced::<()>(Err(StoreError::Unavailable("x".into())), "/x", &mut faults).is_err());
        assert_eq!(faults, [fault("/provider_id", not_found())]);
    }
}
