use runmill_proto::{
    DatasetId, ProviderId, RunConfig, RunId, RunKind, Tenant, TokenId,
    api::{Budget, NewRun},
};
use serde_json::{Value, json};

use crate::columns::columns;

/// Request from which a run was created, with the changes of its settings since. They are written on their own, since they
/// may be large and a busy run is written often.
#[derive(Clone, Debug, PartialEq)]
pub struct Submission {
    pub kind: RunKind,
    /// Tenant to which the run belongs.
    pub tenant: Tenant,
    /// Token that submitted the run. `None` for a token that the server was started with.
    pub token_id: Option<TokenId>,
    pub name: Option<String>,
    pub provider_id: ProviderId,
    pub model: String,
    pub dataset_id: DatasetId,
    pub config: RunConfig,
    /// Configuration of the request, if `config` has changed since.
    pub submitted_config: Option<RunConfig>,
    /// Share of the lane relative to other runs, from 1 to 100.
    pub priority: u32,
    /// Budget as it was stated, or what an earlier release took for one.
    pub budget: Option<Value>,
    /// Key of the request, unique among all tenants.
    pub idempotency_key: Option<String>,
    /// W3C trace context of the request; `None` if the request was not traced.
    pub traceparent: Option<String>,
    /// URL of the webhook that is made with the run. `None` of a run that was read: see [`Webhooks`](crate::Webhooks).
    pub webhook: Option<String>,
}

columns! {
    Submission {
        fixed kind,
        fixed tenant,
        fixed token_id,
        fixed name,
        fixed provider_id,
        fixed model,
        fixed dataset_id,
        fixed config,
        fixed submitted_config,
        fixed priority,
        fixed budget,
        fixed idempotency_key,
        fixed traceparent,
        ; else webhook
    }
}

impl Submission {
    pub fn budget(&self) -> Option<Budget> {
        Budget::stored(self.budget.as_ref()?)
    }

    /// Changes the configuration. The request's is kept, because [`is_same_work`](Self::is_same_work) compares it.
    pub fn reconfigure(&mut self, change: impl FnOnce(&mut RunConfig)) {
        let before = self.config.clone();
        change(&mut self.config);
        self.submitted_config.get_or_insert(before);
    }

    /// Returns the configuration as the user sent it.
    fn asked_config(&self) -> &RunConfig {
        self.submitted_config.as_ref().unwrap_or(&self.config)
    }

    /// Returns true if `other` asks for the same work. Name, trace context and webhook do not matter, nor the datasets of two runs
    /// of LightEval, which each run has for itself.
    pub fn is_same_work(&self, other: &Self) -> bool {
        let is_same_data = match (self.kind, other.kind) {
            (RunKind::Lighteval, RunKind::Lighteval) => true,
            _ => self.dataset_id == other.dataset_id,
        };
        self.provider_id == other.provider_id
            && self.model == other.model
            && is_same_data
            && self.asked_config() == other.asked_config()
    }

    /// Returns the request for the run `id`. The dataset of a run that names none has the id of the run.
    pub fn new(id: RunId, new: NewRun) -> Self {
        Self {
            kind: RunKind::Evaluation,
            tenant: Tenant::default(),
            token_id: None,
            name: new.name,
            provider_id: new.provider_id,
            model: new.model,
            dataset_id: new.dataset_id.unwrap_or(DatasetId::from_uuid(id.uuid())),
            config: new.config,
            submitted_config: None,
            priority: new.priority.unwrap_or(1),
            budget: new.budget.map(|budget| json!(budget)),
            idempotency_key: None,
            traceparent: None,
            webhook: new.webhook.map(|webhook| webhook.url),
        }
    }
}
