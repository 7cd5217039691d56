//! Checks runs that LightEval executes, and makes what an executor needs for them.

use std::sync::Arc;

use runmill_lighteval::{OrderFault, Tasks};
use runmill_proto::{ConfigFault, Role, RunConfig, RunId, RunKind, TokenId, api::NewRun};
use runmill_runtime::Clock;
use runmill_store::{DispatcherStore, NewEvaluation, ProviderRow, RunRow, StoreError, TokenRow};
use runmill_vault::{Bearer, Owner, Sealer};
use serde::Deserialize as _;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    asking::AskFailure,
    caller::Caller,
    error::{UseCaseError, fault},
    executors,
    lighteval::{ConfigFailure, LightevalConfigs},
    run_faults::{referenced, value_faults},
};

/// Settings of a run that LightEval does not have, or has by itself.
const WITHOUT_EFFECT: [&str; 6] = ["samples", "scoring", "scorers", "prompt_template", "deadline", "reuse"];

/// Checks runs that LightEval executes.
#[derive(Clone)]
pub struct NewEvaluations {
    pub store: Arc<dyn DispatcherStore>,
    pub clock: Clock,
    pub configs: LightevalConfigs,
    pub sealer: Sealer,
    /// URL under which executors reach this server, without a slash at its end, if the settings state it.
    pub public_url: Option<String>,
}

impl NewEvaluations {
    /// Returns the row of a run with what LightEval needs, or every fault of `new`.
    ///
    /// The run belongs to the tenant of `caller`, or to that of its provider if the caller is of all tenants.
    pub async fn checked(
        &self,
        caller: &Caller,
        new: NewRun,
    ) -> Result<(RunRow, NewEvaluation), UseCaseError> {
        let mut faults = Vec::new();
        let provider = caller.provider(&*self.store, new.provider_id).await;
        let provider = referenced(provider, "/provider_id", &mut faults)?;
        let given = new.dataset_id.map(|_| "must not be given: LightEval brings its own questions");
        faults.extend(given.map(|detail| fault("/dataset_id", detail)));
        faults.extend(value_faults(&new, None));
        faults.extend(setting_faults(&new.config));
        let (tasks, wrong) = read_tasks(&new.config);
        faults.extend(wrong);
        let Some(provider) = provider.filter(|_| faults.is_empty()) else {
            return Err(UseCaseError::Invalid(faults));
        };
        let front_door = self.front_door()?;
        self.require_executor().await?;
        let config = self.configs.of_new_run(provider.clone(), &new, front_door).await.map_err(failed)?;
        let mut row = RunRow::new(RunId::from_uuid(Uuid::now_v7()), new, 0, self.clock.now());
        row.submission.kind = RunKind::Lighteval;
        row.submission.tenant = caller.tenant.clone().unwrap_or_else(|| provider.tenant.clone());
        row.submission.token_id = caller.id;
        let (token, sealed) = self.token(&row, &provider);
        Ok((row, NewEvaluation { tasks: json!(tasks), config, sealed, token }))
    }

    fn front_door(&self) -> Result<String, UseCaseError> {
        let url = self.public_url.as_ref().ok_or_else(|| {
            let words = "LightEval needs an address of this server: set RUNMILL_PUBLIC_URL at the dispatchers to a URL \
                         that executors reach";
            StoreError::Conflict(words.to_owned())
        })?;
        Ok(format!("{url}/v1"))
    }

    async fn require_executor(&self) -> Result<(), UseCaseError> {
        if executors::has_lighteval(&*self.store, &self.clock).await? {
            return Ok(());
        }
        let words = "no living executor has LightEval: set RUNMILL_LIGHTEVAL at an executor to the path of the command \
                     `lighteval`";
        Err(UseCaseError::Unavailable(words.to_owned()))
    }

    /// Makes the token of a run: as the front door knows it, and encrypted for the executors.
    fn token(&self, run: &RunRow, provider: &ProviderRow) -> (TokenRow, Vec<u8>) {
        let bearer = Bearer::generate();
        let row = TokenRow {
            id: TokenId::from_uuid(Uuid::now_v7()),
            name: format!("LightEval of {}", run.id),
            prefix: bearer.prefix,
            hash: bearer.hash.to_vec(),
            role: Role::Submit,
            tenant: Some(run.submission.tenant.clone()),
            providers: Some(vec![provider.id]),
            budget: None,
            created_at: self.clock.now(),
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
            run_id: Some(run.id),
        };
        (row, self.sealer.seal(Owner::evaluation(run.id.uuid()), &bearer.secret))
    }
}

fn failed(failure: ConfigFailure) -> UseCaseError {
    match failure {
        ConfigFailure::Ask(AskFailure::Request(error)) => error,
        other => UseCaseError::Unavailable(other.to_string()),
    }
}

/// Returns the tasks, or the fault of each value that is wrong.
fn read_tasks(config: &RunConfig) -> (Tasks, Vec<ConfigFault>) {
    let wrong = |detail: String| (Tasks::default(), vec![fault("/config/lighteval", detail)]);
    let Some(value) = config.lighteval() else {
        return wrong("is required: name the tasks, as {\"tasks\": [\"gsm8k|0\"]}".to_owned());
    };
    match Tasks::deserialize(value) {
        Err(error) => wrong(error.to_string()),
        Ok(tasks) => {
            let faults = tasks.faults().iter().map(order_fault).collect();
            (tasks, faults)
        }
    }
}

/// Makes a fault of one value. Its text begins with the name of the value.
fn order_fault(found: &OrderFault) -> ConfigFault {
    let text = found.to_string();
    let (name, detail) = text.split_once(": ").unwrap_or(("", &text));
    fault(format!("/config/lighteval/{name}"), detail)
}

fn setting_faults(config: &RunConfig) -> Vec<ConfigFault> {
    let is_given = |name: &str| config.0.get(name).is_some_and(|value| !value.is_null());
    let without_effect = WITHOUT_EFFECT.into_iter().filter(|name| is_given(name)).map(|name| {
        fault(format!("/config/{name}"), "has no effect on a run that LightEval executes: leave it out")
    });
    let texts = config.0.get("texts").is_some_and(|value| !matches!(value, Value::Null) && value != "all");
    let texts = texts.then(|| fault("/config/texts", "must be `all`: LightEval's texts are stored whole"));
    without_effect.chain(texts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(value: Value) -> RunConfig {
        serde_json::from_value(value).unwrap()
    }

    fn pointers(value: Value) -> Vec<String> {
        let config = config(value);
        let faults = setting_faults(&config).into_iter().chain(read_tasks(&config).1);
        faults.map(|fault| fault.pointer).collect()
    }

    #[test]
    fn every_wrong_value_has_its_pointer() {
        let wrong = json!({"tasks": ["--help"], "custom_tasks": "../x", "max_samples": 0});
        let values = ["tasks", "custom_tasks", "max_samples"].map(|it| format!("/config/lighteval/{it}"));
        assert_eq!(pointers(json!({"lighteval": wrong})), values);
        let right = json!({"tasks": ["gsm8k|0"], "custom_tasks": "ours", "max_samples": 7});
        assert_eq!(pointers(json!({"lighteval": right, "temperature": 0.5})), Vec::<String>::new());
        for shape in [json!({}), json!({"lighteval": null}), json!({"lighteval": {"task": "gsm8k"}})] {
            assert_eq!(pointers(shape), ["/config/lighteval"]);
        }
    }

    #[test]
    fn what_has_no_effect_is_refused() {
        let lighteval = json!({"tasks": ["gsm8k|0"]});
        let given = json!({"lighteval": lighteval, "samples": 2, "scoring": "exact", "scorers": [], "prompt_template": "x",
            "deadline": "2027-01-01T00:00:00Z", "reuse": "exact", "texts": "none"});
        let names = ["samples", "scoring", "scorers", "prompt_template", "deadline", "reuse", "texts"];
        assert_eq!(pointers(given), names.map(|name| format!("/config/{name}")));
        let null = json!({"lighteval": lighteval, "samples": null, "texts": "all"});
        assert_eq!(pointers(null), Vec::<String>::new());
    }
}
