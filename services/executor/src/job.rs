use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use runmill_broker::{Delivery, Envelope, Queue, SharedBroker, log_partition};
use runmill_llm::{
    CallPolicy, ChatMessage, ChatRequest, Factory, Interrupts, Invoked, Part, PolicySource, Role, Unanswered,
};
use runmill_proto::{
    ErrorKind, Item, ItemFault,
    api::Settings,
    codec::Message,
    message::{Job, JobItem},
};
use runmill_quota::Gate;
use runmill_runtime::Clock;
use runmill_store::{ActiveRuns, ExecutorStore, ItemReader, StoreError};
use runmill_telemetry::trace;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};

use crate::{
    metrics::ExecutorMetrics,
    outcome::{End, Report, settled},
    prompts::Prompts,
    providers::{OpenProvider, ProviderCache, ProviderError},
    recent::{Claim, Recent, Working},
    run_states::{RunState, RunStates},
    settings::SettingsCache,
};

/// Between two tries to publish a log while the broker is away.
const PUBLISH_PAUSE: Duration = Duration::from_secs(1);
/// Before a job is tried again whose provider or item could not be read now.
const STORE_PAUSE: Duration = Duration::from_secs(5);
/// Before a run goes on by itself whose provider this executor cannot use.
const UNUSABLE_FOR: Duration = Duration::from_mins(1);
/// Why a job of a paused run was not done.
const RUN_PAUSED: &str = "the run is paused";

/// Does jobs.
pub struct JobRunner {
    pub store: Arc<dyn ExecutorStore>,
    pub broker: SharedBroker,
    pub providers: ProviderCache,
    pub factory: Arc<Factory>,
    pub clock: Clock,
    pub metrics: ExecutorMetrics,
    pub states: RunStates,
    pub settings: SettingsCache,
    pub prompts: Prompts,
    pub recent: Recent,
    pub log_partitions: u16,
    /// Calls in flight are interrupted.
    pub kill: CancellationToken,
}

/// What became of a delivery's work.
enum Done {
    /// Publish it, then ack.
    Report(Report),
    /// Nothing was called: another may have it.
    HandBack,
}

#[derive(Debug, thiserror::Error)]
enum ItemError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Fault(#[from] ItemFault),
    #[error("the dataset has no such item")]
    Missing,
}

impl JobRunner {
    /// From delivery to ack. Whatever happens on the way, the job is acked only after its log is confirmed.
    pub async fn work(&self, delivery: Delivery, gate: Arc<Gate>, stop: CancellationToken) {
        let job: Job = match delivery.message.decode() {
            Ok(job) => job,
            Err(error) => {
                tracing::error!(event = "executor.dead_letter", message_id = %delivery.message.id, %error);
                return settled(delivery.dead_letter(&error.to_string()).await);
            }
        };
        let span =
            tracing::info_span!("job", run_id = %job.run_id, ordinal = job.ordinal, sample = job.sample);
        trace::continue_from(&span, delivery.message.traceparent.as_deref());
        self.metrics.jobs_in_hand.inc();
        self.work_on(&job, delivery, &gate, &stop).instrument(span).await;
        self.metrics.jobs_in_hand.dec();
    }

    async fn work_on(&self, job: &Job, delivery: Delivery, gate: &Arc<Gate>, stop: &CancellationToken) {
        match self.recent.claim(job) {
            Claim::Done => settled(delivery.ack().await),
            Claim::InHand(elsewhere) => {
                let settle =
                    if elsewhere.done().await { delivery.ack().await } else { delivery.hand_back().await };
                settled(settle);
            }
            Claim::New(working) => match self.survive(job, delivery.delivery_count, gate, stop).await {
                Done::Report(report) => self.finish(job, report, working, delivery).await,
                Done::HandBack => {
                    self.metrics.handed_back.inc();
                    settled(delivery.hand_back().await);
                }
            },
        }
    }

    /// Publishes until the broker has confirmed, and only then acks. Killed before that, the job stays unacked and is
    /// delivered again.
    async fn finish(&self, job: &Job, report: Report, working: Working, delivery: Delivery) {
        let published = match &report {
            Report::Ended(invocation) => {
                self.metrics.jobs.with_label_values(&[invocation.outcome.as_str()]).inc();
                self.publish(job, &**invocation).await
            }
            Report::Deferred(deferred) => {
                self.metrics.deferred.inc();
                self.publish(job, &**deferred).await
            }
        };
        if published {
            working.done();
            settled(delivery.ack().await);
        }
    }

    async fn publish<M: Message>(&self, job: &Job, message: &M) -> bool {
        let queue = Queue::Logs(log_partition(job.run_id, self.log_partitions));
        let traceparent = trace::context_of(&Span::current());
        let envelope = Envelope { traceparent, ..Envelope::new(message) };
        loop {
            match self.broker.publish(queue, envelope.clone()).await {
                Ok(()) => return true,
                Err(error) => {
                    self.metrics.publish_failures.inc();
                    tracing::warn!(event = "executor.publish_failed", %error, "the log is published again");
                }
            }
            if self.kill.run_until_cancelled(tokio::time::sleep(PUBLISH_PAUSE)).await.is_none() {
                return false;
            }
        }
    }

    /// What is wrong with our code for one item must not keep its job for ever.
    async fn survive(&self, job: &Job, deliveries: u32, gate: &Arc<Gate>, stop: &CancellationToken) -> Done {
        let answer = AssertUnwindSafe(self.answer(job, deliveries, gate, stop)).catch_unwind().await;
        answer.unwrap_or_else(|_panic| {
            let reason = "an executor failed over this item: its log says why (event `process.panicked`)";
            Done::Report(End::new(job, self.clock.now()).failed(ErrorKind::Poisoned, &reason))
        })
    }

    /// Calls the model, unless something speaks against it.
    async fn answer(&self, job: &Job, deliveries: u32, gate: &Arc<Gate>, stop: &CancellationToken) -> Done {
        let end = End::new(job, self.clock.now());
        if self.states.state(job.run_id) == RunState::Unknown
            && let Err(error) = self.ask_for_runs().await
        {
            return Done::Report(end.put_off(STORE_PAUSE, &error.to_string()));
        }
        let item = match self.item(job).await {
            Ok(item) => item,
            Err(ItemError::Store(error)) if error.is_transient() => {
                return Done::Report(end.put_off(STORE_PAUSE, &error.to_string()));
            }
            Err(error) => return Done::Report(end.failed(ErrorKind::BadItem, &error)),
        };
        let end = end.of_item(&item);
        if let Some(report) = self.refusal(&end, deliveries) {
            return Done::Report(report);
        }
        if stop.is_cancelled() {
            return Done::HandBack;
        }
        let provider = match self.providers.get(job.provider_id).await {
            Ok(provider) => provider,
            Err(ProviderError::Store(error)) if error.is_transient() => {
                return Done::Report(end.put_off(STORE_PAUSE, &error.to_string()));
            }
            // Who runs this executor has to mend that, and the items are not at fault.
            Err(error @ (ProviderError::Sealed { .. } | ProviderError::Store(StoreError::Broken(_)))) => {
                return Done::Report(end.stopped(UNUSABLE_FOR, &error));
            }
            Err(error) => return Done::Report(end.failed(ErrorKind::ProviderUnavailable, &error)),
        };
        match self.request(job, &item, &provider) {
            Ok(request) => self.call(&end, &provider, &request, gate, stop).await,
            Err(reason) => Done::Report(end.failed(ErrorKind::BadItem, &reason)),
        }
    }

    /// What ends the job before anything is called.
    fn refusal(&self, end: &End<'_>, deliveries: u32) -> Option<Report> {
        match self.states.state(end.job.run_id) {
            // A run that the store does not know as active has ended, with this job still in the queue: it was canceled
            // while no executor was there.
            RunState::Canceled | RunState::Unknown => return Some(end.canceled()),
            RunState::Paused => return Some(end.put_off(Duration::ZERO, RUN_PAUSED)),
            RunState::Going => {}
        }
        if end.job.deadline.is_some_and(|deadline| end.now >= deadline) {
            return Some(end.failed(ErrorKind::DeadlinePassed, &"the run's deadline passed before the call"));
        }
        let poisoned = deliveries >= Job::DELIVERIES_MAX;
        poisoned
            .then(|| end.failed(ErrorKind::Poisoned, &format!("delivered {deliveries} times without an end")))
    }

    async fn ask_for_runs(&self) -> Result<(), StoreError> {
        let asked = self.states.ask();
        if self.states.load(asked, &ActiveRuns::active_runs(&*self.store).await?) {
            self.factory.forgive_keys();
        }
        Ok(())
    }

    async fn item(&self, job: &Job) -> Result<Item, ItemError> {
        let stored;
        let json = match &job.item {
            JobItem::Inline(json) => json,
            JobItem::Reference(dataset_id) => {
                stored = ItemReader::items(&*self.store, *dataset_id, job.ordinal, 1).await?.pop();
                &stored.as_ref().ok_or(ItemError::Missing)?.body
            }
        };
        Ok(Item::from_json(json)?)
    }

    fn request(&self, job: &Job, item: &Item, provider: &OpenProvider) -> Result<ChatRequest, String> {
        let text = self.prompts.get(job.config.prompt_template.as_ref())?.render(item)?;
        // A model without a system role is told the same as part of the question.
        let (system, text) = match job.config.system_prompt.clone() {
            Some(system) if provider.capabilities.system_prompt == Some(false) => {
                (None, format!("{system}\n\n{text}"))
            }
            system => (system, text),
        };
        let mut parts = vec![Part::Text(text)];
        if provider.capabilities.images == Some(true) {
            parts.extend(item.inputs.images.iter().cloned().map(Part::Image));
        }
        Ok(ChatRequest {
            model: job.model.clone(),
            system,
            messages: vec![ChatMessage { role: Role::User, parts }],
            generation: provider.generation(job.config.generation.clone()),
            call_id: job.key().to_string(),
        })
    }

    /// A lane that stopped by settings that have changed meanwhile has not stopped: the job is fed again, for the new
    /// ones.
    async fn recheck(&self, mut invoked: Invoked, provider: &OpenProvider) -> Invoked {
        if let Err(Unanswered::LaneStopped { error, .. }) = &invoked.result
            && self.providers.has_changed(provider).await
        {
            invoked.result = Err(Unanswered::Deferred { after: Duration::ZERO, error: error.clone() });
        }
        invoked
    }

    /// Makes the provider's client call it by these settings from now on.
    pub fn reach(&self, provider: &OpenProvider, gate: &Arc<Gate>) {
        if let Err(error) = self.factory.client(&provider.target(&self.settings.get()), gate) {
            tracing::warn!(event = "executor.provider_unusable", provider_id = %provider.id, %error);
        }
    }

    async fn call(
        &self,
        end: &End<'_>,
        provider: &OpenProvider,
        request: &ChatRequest,
        gate: &Arc<Gate>,
        stop: &CancellationToken,
    ) -> Done {
        let job = end.job;
        let client = match self.factory.client(&provider.target(&self.settings.get()), gate) {
            Ok(client) => client,
            Err(error) => return Done::Report(end.stopped(UNUSABLE_FOR, &error)),
        };
        let policies = JobPolicies { runner: self, job };
        let interrupts = Interrupts { before_start: stop.clone(), at_once: self.states.token(job.run_id) };
        let invoked = client.invoke_until(request, &policies, &interrupts).await;
        let invoked = self.recheck(invoked, provider).await;
        let end = End { now: self.clock.now(), ..*end };
        let canceled = self.states.state(job.run_id) == RunState::Canceled;
        let deferrals_max = policies.settings().retry.max_deferrals;
        end.invoked(&invoked, canceled, deferrals_max).map_or(Done::HandBack, Done::Report)
    }
}

/// A job's patience, by the settings of the moment.
struct JobPolicies<'a> {
    runner: &'a JobRunner,
    job: &'a Job,
}

impl JobPolicies<'_> {
    /// The run's own above the provider's above the workspace's.
    fn settings(&self) -> Settings {
        let workspace = self.runner.settings.get();
        self.runner.providers.settings(self.job.provider_id, &workspace, &self.job.config)
    }
}

impl PolicySource for JobPolicies<'_> {
    fn policy(&self) -> CallPolicy {
        CallPolicy {
            failed_before: self.job.failures,
            deadline: self.job.deadline,
            ..CallPolicy::from(&self.settings())
        }
    }
}
