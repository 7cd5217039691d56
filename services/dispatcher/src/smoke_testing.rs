use std::sync::Arc;

use runmill_proto::{ProviderId, api::SmokeTestReport, message::SmokeTest};
use runmill_store::DispatcherStore;

use crate::{
    asking::{AskFailure, Asking},
    error::{UseCaseError, model_fault},
};

/// Has an executor try a model of a provider.
#[derive(Clone)]
pub struct SmokeTesting {
    pub store: Arc<dyn DispatcherStore>,
    pub asking: Asking,
}

impl SmokeTesting {
    pub async fn test(&self, id: ProviderId, model: String) -> Result<SmokeTestReport, AskFailure> {
        self.check(id, &model).await?;
        let question = SmokeTest { provider_id: id, model };
        self.asking.ask(&question, SmokeTest::ANSWERED_WITHIN).await
    }

    async fn check(&self, id: ProviderId, model: &str) -> Result<(), UseCaseError> {
        self.store.provider(id).await?;
        UseCaseError::if_any(model_fault(model).into_iter().collect())
    }
}
