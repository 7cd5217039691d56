//! Configurations with which LightEval calls the same model as a run, with the same settings.
//!
//! A configuration points by default at this server's front door, so that LightEval shares the fleet's limits and needs no key
//! of the provider.

mod litellm;
mod native;
mod plan;
mod platform;
#[cfg(test)]
mod tests;
mod yaml;

use std::sync::Arc;

use runmill_proto::{
    ProviderId, RunId,
    api::NewRun,
    message::{ProviderKeyReply, ProviderKeyRequest},
};
use runmill_store::{DispatcherStore, ProviderRow};
use runmill_vault::{ReplyKey, Sealer};
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

use crate::{
    asking::{AskFailure, Asking},
    caller::Caller,
    error::{UseCaseError, model_fault},
};
use plan::{Plan, Subject};

/// Makes configurations of LightEval.
#[derive(Clone)]
pub struct LightevalConfigs {
    pub store: Arc<dyn DispatcherStore>,
    pub asking: Asking,
    pub sealer: Sealer,
    /// Number of calls in flight at a provider that states no concurrency.
    pub lane_concurrency: u32,
}

/// Form of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The evaluation platform's.
    Platform,
    /// Form of `lighteval endpoint litellm`.
    Lighteval,
}

/// Server that LightEval is to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// This server's front door, whose base URL this is.
    FrontDoor(String),
    /// The provider, with a key from the environment.
    Direct,
    /// The provider, with the key in the configuration.
    DirectWithKey,
}

/// Reason why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigFailure {
    #[error(transparent)]
    Ask(#[from] AskFailure),
    #[error("an executor gives no key: {0}")]
    NoKey(String),
    #[error(
        "the executor's key could not be decrypted; dispatchers and executors need the same ENCRYPTION_KEY"
    )]
    Unreadable,
}

/// A configuration as text, with the provider that it is about.
pub struct LightevalConfig {
    pub yaml: SecretString,
    pub provider: ProviderRow,
}

impl LightevalConfigs {
    /// Returns the configuration that calls the model of a run as the run does.
    pub async fn of_run(
        &self,
        caller: &Caller,
        id: RunId,
        form: Form,
        route: Route,
    ) -> Result<LightevalConfig, ConfigFailure> {
        let run = caller.run(&*self.store, id).await.map_err(UseCaseError::from)?;
        let provider_id = run.submission.provider_id;
        let provider = self.provider(caller, provider_id, &route).await?;
        let dataset = self.store.dataset(run.submission.dataset_id).await?;
        let job = run.submission.config.stored_job();
        let concurrency = run.submission.config.concurrency();
        let model = run.submission.model;
        let subject = Subject { provider, model, job, concurrency, run: Some((id, dataset)) };
        self.write(subject, form, route).await
    }

    /// Returns a configuration that calls a model of a provider as a run without settings of its own would.
    pub async fn of_provider(
        &self,
        caller: &Caller,
        id: ProviderId,
        model: String,
        form: Form,
        route: Route,
    ) -> Result<LightevalConfig, ConfigFailure> {
        let provider = self.provider(caller, id, &route).await?;
        UseCaseError::if_any(model_fault(&model).into_iter().collect())?;
        let subject = Subject::of_model(provider, model);
        self.write(subject, form, route).await
    }

    /// Returns the configuration, in LightEval's own form, with which an executor calls the model of a new run at the front
    /// door.
    pub async fn of_new_run(
        &self,
        provider: ProviderRow,
        new: &NewRun,
        front_door: String,
    ) -> Result<String, ConfigFailure> {
        let subject = Subject {
            provider,
            model: new.model.clone(),
            job: new.config.stored_job(),
            concurrency: new.config.concurrency(),
            run: None,
        };
        let config = self.write(subject, Form::Lighteval, Route::FrontDoor(front_door)).await?;
        Ok(config.yaml.expose_secret().to_owned())
    }

    /// Returns the provider. Its key is only for its own tenant.
    async fn provider(
        &self,
        caller: &Caller,
        id: ProviderId,
        route: &Route,
    ) -> Result<ProviderRow, UseCaseError> {
        match route {
            Route::DirectWithKey => caller.own_provider(&*self.store, id).await,
            Route::FrontDoor(_) | Route::Direct => Ok(caller.provider(&*self.store, id).await?),
        }
    }

    async fn write(
        &self,
        subject: Subject,
        form: Form,
        route: Route,
    ) -> Result<LightevalConfig, ConfigFailure> {
        let (workspace, _) = self.store.settings().await?;
        let key = match route {
            Route::DirectWithKey => self.key(subject.provider.id).await?,
            Route::FrontDoor(_) | Route::Direct => None,
        };
        let plan = Plan::new(subject, &workspace, self.lane_concurrency, route, key);
        let yaml = match form {
            Form::Platform => platform::write(&plan),
            Form::Lighteval => native::write(&plan),
        };
        Ok(LightevalConfig { yaml, provider: plan.subject.provider })
    }

    /// Has an executor say with which key a call would begin now. Returns `None` for a provider without keys.
    async fn key(&self, provider_id: ProviderId) -> Result<Option<SecretString>, ConfigFailure> {
        let (id, reply_key) = (Uuid::now_v7(), ReplyKey::generate());
        let question = ProviderKeyRequest { id, provider_id, reply_key: reply_key.sealed(&self.sealer, id) };
        match self.asking.ask(&question, ProviderKeyRequest::ANSWERED_WITHIN).await? {
            ProviderKeyReply::Key { sealed, .. } => {
                let key = reply_key.open(id, &sealed).map_err(|error| {
                    tracing::error!(event = "provider_key.unreadable", %provider_id, %error);
                    ConfigFailure::Unreadable
                })?;
                Ok(Some(key))
            }
            ProviderKeyReply::NoKey => Ok(None),
            ProviderKeyReply::Refused(why) => Err(ConfigFailure::NoKey(why)),
        }
    }
}

impl From<UseCaseError> for ConfigFailure {
    fn from(error: UseCaseError) -> Self {
        Self::Ask(error.into())
    }
}

impl From<runmill_store::StoreError> for ConfigFailure {
    fn from(error: runmill_store::StoreError) -> Self {
        Self::Ask(error.into())
    }
}
