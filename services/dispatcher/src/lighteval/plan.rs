use runmill_proto::{
    Generation, JobConfig, RunId,
    api::{Dataset, ProviderKind, Settings},
};
use runmill_store::ProviderRow;
use secrecy::SecretString;

use super::{
    Route,
    litellm::{self, Litellm},
};

/// Largest number of concurrent requests that has an effect: LightEval's HTTP client opens no more connections.
const CONCURRENT_MAX: u32 = 100;
/// Number of tries that LightEval makes of a call of the front door, which makes the retries itself.
const FRONT_DOOR_TRIES: u32 = 3;
/// Variable with the caller's token for the front door, in the platform's form.
const TOKEN_VARIABLE: &str = "RUNMILL_TOKEN";

/// Model that LightEval is to call, as a run calls it.
pub struct Subject {
    pub provider: ProviderRow,
    pub model: String,
    pub job: JobConfig,
    /// Maximum number of jobs of the run in flight.
    pub concurrency: Option<u32>,
    pub run: Option<(RunId, Dataset)>,
}

/// Content of a configuration, before it has a form.
pub struct Plan {
    pub subject: Subject,
    /// LiteLLM's name of the model at its provider.
    pub metadata_name: String,
    /// LiteLLM's name of the model at the server that is called.
    pub model_name: String,
    pub litellm: Litellm,
    pub base_url: String,
    pub key: Option<SecretString>,
    /// Variable with the key in the platform's form.
    pub key_variable: &'static str,
    pub is_direct: bool,
    pub concurrent_requests: u32,
    /// Seconds that LightEval waits for an answer.
    pub timeout: f64,
    pub max_retries: u32,
}

impl Subject {
    pub fn of_model(provider: ProviderRow, model: String) -> Self {
        Self { provider, model, job: JobConfig::default(), concurrency: None, run: None }
    }
}

impl Plan {
    pub fn new(
        subject: Subject,
        workspace: &Settings,
        lane_concurrency: u32,
        route: Route,
        key: Option<SecretString>,
    ) -> Self {
        let provider = &subject.provider;
        let settings = workspace.for_job(&provider.settings, &subject.job);
        let own = Litellm::of(provider);
        let metadata_name = own.model(&subject.model);
        let stated = [subject.concurrency, provider.rate_limit.concurrency].into_iter().flatten().min();
        let concurrent_requests = stated.unwrap_or(lane_concurrency).min(CONCURRENT_MAX);
        if let Route::FrontDoor(base_url) = route {
            return Self {
                metadata_name,
                model_name: litellm::OPENAI.model(&format!("{}/{}", provider.name, subject.model)),
                litellm: litellm::OPENAI,
                base_url,
                key,
                key_variable: TOKEN_VARIABLE,
                is_direct: false,
                concurrent_requests,
                // The front door holds a call while it waits for a slot and for the provider.
                timeout: settings.longest_job().as_secs_f64(),
                max_retries: FRONT_DOOR_TRIES,
                subject,
            };
        }
        Self {
            model_name: metadata_name.clone(),
            metadata_name,
            litellm: own,
            base_url: own.base_url(&provider.base_url).to_owned(),
            key,
            key_variable: own.key_variable,
            is_direct: true,
            concurrent_requests,
            timeout: settings.request.total_timeout().as_secs_f64(),
            max_retries: settings.retry.max_retries,
            subject,
        }
    }

    /// Returns true if the model's server may know vLLM's parameters. Others refuse a request that has them.
    pub fn takes_repetition_penalty(&self) -> bool {
        self.subject.provider.kind == ProviderKind::Custom
    }

    pub const fn generation(&self) -> &Generation {
        &self.subject.job.generation
    }
}
