use std::sync::Arc;

use runmill_proto::{
    ConfigFault, DatasetId, Item, Judge, RunId,
    api::{Budget, Dataset, NewRun, NewScoring},
};
use runmill_runtime::Clock;
use runmill_store::{
    CreatedRun, DispatcherStore, JudgeNote, ProviderRow, RunRow, Transition, interactive_dataset_id,
};
use runmill_telemetry::trace;
use tokio::sync::Notify;
use tracing::{Instrument, Span};
use uuid::Uuid;

use crate::{
    caller::Caller,
    error::{UseCaseError, fault},
    evaluations::NewEvaluations,
    idempotency_key::{IdempotencyKey, stored_key},
    run_faults::{referenced, template_faults, value_faults},
    webhooks::WebhookSettings,
};

/// Checks the runs that users submit and creates them.
#[derive(Clone)]
pub struct Submission {
    pub store: Arc<dyn DispatcherStore>,
    pub clock: Clock,
    /// Wakes the feeder.
    pub wake: Arc<Notify>,
    pub webhooks: WebhookSettings,
    /// Checks the runs that LightEval executes.
    pub evaluations: NewEvaluations,
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
        let (mut row, evaluation) = if new.config.wants_lighteval() {
            let (row, evaluation) = self.evaluations.checked(caller, new).await?;
            (row, Some(evaluation))
        } else {
            (self.checked(caller, new).await?, None)
        };
        let span = span(&row, traceparent);
        row.submission.idempotency_key = key.map(|key| stored_key(&row.submission.tenant, key.as_str()));
        row.submission.traceparent = trace::context_of(&span);
        let created = async {
            match &evaluation {
                Some(evaluation) => self.store.create_evaluation(&row, evaluation).await,
                None => self.store.create_run(&row).await,
            }
        };
        match created.instrument(span).await? {
            CreatedRun::New(row) => {
                tracing::info!(event = "run.created", run_id = %row.id, kind = %row.submission.kind, jobs = row.total);
                self.wake.notify_one();
                Ok(row)
            }
            CreatedRun::Existing(row) => Ok(row),
        }
    }

    /// Returns the row of a run without any fed job, or every fault of `new`.
    pub async fn checked(&self, caller: &Caller, new: NewRun) -> Result<RunRow, UseCaseError> {
        let (store, mut faults) = (&*self.store, Vec::new());
        let provider = caller.provider(store, new.provider_id).await;
        let provider = referenced(provider, "/provider_id", &mut faults)?;
        let dataset = if let Some(id) = new.dataset_id {
            referenced(caller.dataset(store, id).await, "/dataset_id", &mut faults)?
        } else {
            faults.push(fault("/dataset_id", "is required: upload a dataset and name it"));
            None
        };
        let first = match &dataset {
            Some(dataset) if new.config.0.contains_key("prompt_template") => {
                self.first_item(dataset.id).await?
            }
            _ => None,
        };
        faults.extend(value_faults(&new, first.as_ref()));
        faults.extend(new.webhook.as_ref().and_then(|webhook| self.webhooks.fault(webhook)));
        if let (Some(provider), Some(dataset)) = (&provider, &dataset) {
            faults.extend(stranger_fault(provider, dataset));
            let is_of_clients = dataset.id == interactive_dataset_id(&dataset.tenant);
            faults
                .extend(is_of_clients.then(|| fault("/dataset_id", "is that of clients' calls: upload one")));
        }
        let Some(dataset) = dataset.filter(|_| faults.is_empty()) else {
            return Err(UseCaseError::Invalid(faults));
        };
        let judges = self.checked_judges(caller, "/config", new.config.judges(), &dataset).await?;
        let samples = new.config.asked_samples();
        let total = dataset.item_count * u64::from(samples);
        let mut row = RunRow::new(RunId::from_uuid(Uuid::now_v7()), new, total, self.clock.now());
        if samples != row.submission.config.samples() {
            row.submission.reconfigure(|config| config.set_samples(samples));
        }
        row.submission.tenant = dataset.tenant;
        row.submission.token_id = caller.id;
        (row.judging, row.judges) = (!judges.is_empty(), notes(judges, total));
        Ok(row)
    }

    /// Adds judges to an ended run, or returns every fault of `new`.
    pub async fn judge(
        &self,
        caller: &Caller,
        run: &RunRow,
        new: NewScoring,
    ) -> Result<Transition, UseCaseError> {
        let mut faults: Vec<_> = new.budget.iter().flat_map(Budget::faults).collect();
        for (n, judge) in new.judges.iter().enumerate() {
            faults.extend(judge.faults(&format!("/judges/{n}")));
        }
        faults.extend(template_faults("", &new.judges));
        if new.scoring.is_some() {
            faults
                .push(fault("/scoring", "does not go with judges: score and judge anew one after the other"));
        }
        UseCaseError::if_any(faults)?;
        let dataset = self.store.dataset(run.submission.dataset_id).await?;
        let judges = self.checked_judges(caller, "", new.judges, &dataset).await?;
        let mut judges = notes(judges, run.total);
        for note in &mut judges {
            (note.is_added, note.budget, note.epoch) = (true, new.budget, run.cursor.epoch);
        }
        Ok(Transition::Judge { judges })
    }

    /// Returns the judges, or a fault for each that may not judge answers to the items of this dataset.
    async fn checked_judges(
        &self,
        caller: &Caller,
        place: &str,
        judges: Vec<Judge>,
        dataset: &Dataset,
    ) -> Result<Vec<Judge>, UseCaseError> {
        let mut faults = Vec::new();
        for (n, judge) in judges.iter().enumerate() {
            let pointer = format!("{place}/judges/{n}/provider_id");
            let found = caller.provider(&*self.store, judge.provider_id).await;
            let provider = referenced(found, &pointer, &mut faults)?;
            let stranger = provider.and_then(|provider| stranger_fault(&provider, dataset));
            faults.extend(stranger.map(|found| fault(pointer, found.detail)));
        }
        UseCaseError::if_any(faults)?;
        Ok(judges)
    }

    /// Returns the first item of a dataset, unless it cannot be read, which its jobs will say.
    async fn first_item(&self, dataset: DatasetId) -> Result<Option<Item>, UseCaseError> {
        let stored = self.store.items(dataset, 0, 1).await?;
        Ok(stored.first().and_then(|stored| Item::from_json(&stored.body).ok()))
    }
}

/// Returns the judges of a run of `answers` answers, each with the id of a run that will be its own.
fn notes(judges: Vec<Judge>, answers: u64) -> Vec<JudgeNote> {
    let id = || RunId::from_uuid(Uuid::now_v7());
    judges.into_iter().map(|judge| JudgeNote::new(id(), judge, answers)).collect()
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
