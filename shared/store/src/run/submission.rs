use runmill_proto::{
    DatasetId, ProviderId, RunConfig,
    api::{Budget, NewRun},
};
use serde_json::{Value, json};

use crate::columns::columns;

/// Request from which a run was created. It never changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Submission {
    pub name: Option<String>,
    pub provider_id: ProviderId,
    pub model: String,
    pub dataset_id: DatasetId,
    pub config: RunConfig,
    /// Share of the lane relative to other runs, from 1 to 100.
    pub priority: u32,
    /// Budget as it was stated, or what an earlier release took for one.
    pub budget: Option<Value>,
    pub idempotency_key: Option<String>,
    /// W3C trace context of the request; `None` if the request was not traced.
    pub traceparent: Option<String>,
}

columns! {
    Submission {
        fixed name,
        fixed provider_id,
        fixed model,
        fixed dataset_id,
        fixed config,
        fixed priority,
        fixed budget,
        fixed idempotency_key,
        fixed traceparent,
    }
}

impl Submission {
    pub fn budget(&self) -> Option<Budget> {
        Budget::stored(self.budget.as_ref()?)
    }

    /// Returns true if `other` asks for the same work. Name and trace context do not matter.
    pub fn is_same_work(&self, other: &Self) -> bool {
        self.provider_id == other.provider_id
            && self.model == other.model
            && self.dataset_id == other.dataset_id
            && self.config == other.config
    }
}

impl From<NewRun> for Submission {
    fn from(new: NewRun) -> Self {
        Self {
            name: new.name,
            provider_id: new.provider_id,
            model: new.model,
            dataset_id: new.dataset_id,
            config: new.config,
            priority: new.priority.unwrap_or(1),
            budget: new.budget.map(|budget| json!(budget)),
            idempotency_key: None,
            traceparent: None,
        }
    }
}
