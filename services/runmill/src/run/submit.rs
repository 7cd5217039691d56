use anyhow::Context;
use ring::digest;
use runmill_proto::{
    JobConfig, RunConfig, RunStatus, Scorer,
    api::{NewRun, Run},
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{dataset::Items, provider::ProviderChoice};
use crate::{
    cli::RunArgs,
    client::Client,
    exit::{UsageError, usage},
    process::Process,
};

/// Run that was submitted, or an unfinished run of the same command.
pub struct Submitted {
    pub run: Run,
    pub resumed: bool,
}

/// Provider, model and configuration of a run, without its items.
pub struct Request {
    pub model: String,
    pub provider: ProviderChoice,
    pub config: RunConfig,
    pub dataset_name: String,
}

impl Request {
    pub fn from_args(args: &RunArgs, process: &Process) -> anyhow::Result<Self> {
        let provider = ProviderChoice::from_args(&args.provider, args.concurrency, process);
        let name = args.dataset.file_name().map(|name| name.to_string_lossy().into_owned());
        let request = Self {
            model: args.model.clone(),
            provider,
            config: config(args)?,
            dataset_name: name.unwrap_or_else(|| "dataset".to_owned()),
        };
        request.job()?;
        Ok(request)
    }

    /// Returns the configuration of the run's jobs, or its faults as faults of the command line.
    pub fn job(&self) -> anyhow::Result<JobConfig> {
        self.config.job().or_else(|faults| {
            let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
            usage(format_args!("the run's configuration is not valid: {}", faults.join("; ")))
        })
    }

    /// Uploads the items unless the server has them, then submits a run. Resumes the run of an earlier, equal command
    /// instead, if that run has not ended.
    pub async fn submit(&self, client: &Client, items: Items) -> anyhow::Result<Submitted> {
        let provider_id = self.provider.id(client).await?;
        let dataset = match client.dataset_with_hash(&items.version_hash).await? {
            Some(dataset) => dataset,
            None => client.upload_dataset(&self.dataset_name, items.into_body()?).await?,
        };
        let new = NewRun {
            name: Some(self.dataset_name.clone()),
            provider_id,
            model: self.model.clone(),
            dataset_id: dataset.id,
            config: self.config.clone(),
            priority: None,
            budget: None,
        };
        let fingerprint = fingerprint(&new)?;
        if let Some(run) = client.newest_run(&fingerprint).await?
            && !run.status.is_terminal()
            && run.cancel_requested_at.is_none()
        {
            let paused = run.paused_at.is_some();
            let run = if paused { client.steer(run.id, "resume").await? } else { run };
            return Ok(Submitted { run, resumed: true });
        }
        let key = format!("{fingerprint}{}", Uuid::now_v7().simple());
        let run = client.create_run(&new, &key).await.context("the server refused the run")?;
        debug_assert_eq!(run.status, RunStatus::Pending);
        Ok(Submitted { run, resumed: false })
    }
}

/// Returns the beginning of the run's idempotency key. It is the same each time that the same command is run.
fn fingerprint(new: &NewRun) -> anyhow::Result<String> {
    let same = serde_json::to_vec(&json!([new.provider_id, new.model, new.dataset_id, new.config]))?;
    let hash = digest::digest(&digest::SHA256, &same);
    let (half, _) = hash.as_ref().split_first_chunk().expect("SHA-256 has 32 bytes");
    Ok(format!("cli-{:032x}-", u128::from_be_bytes(*half)))
}

fn config(args: &RunArgs) -> anyhow::Result<RunConfig> {
    let mut config: Map<String, Value> = match &args.config {
        Some(text) => serde_json::from_str(text)
            .map_err(|error| UsageError::new(format_args!("--config is not a JSON object: {error}")))?,
        None => Map::new(),
    };
    let mut set = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            config.insert(key.to_owned(), value);
        }
    };
    set("samples", args.samples.map(Value::from));
    set("temperature", args.temperature.map(Value::from));
    set("max_new_tokens", args.max_tokens.map(Value::from));
    set("system_prompt", args.system_prompt.clone().map(Value::from));
    // With --base-url, the option limits the provider, which keeps every slot busy. With --provider it limits the run,
    // since others may use that provider, too.
    set("concurrency", args.provider.provider.and(args.concurrency).map(Value::from));
    if let Some(scorer) = args.scorer {
        set("scoring", Some(json!({"scorer": Scorer::from(scorer), "pattern": args.pattern})));
    } else if args.pattern.is_some() {
        return usage("--pattern goes with --scorer regex");
    }
    Ok(RunConfig(config))
}

#[cfg(test)]
mod tests {
    use runmill_proto::{DatasetId, ProviderId};

    use super::*;

    /// A later release must find the runs of this one.
    #[test]
    fn the_same_command_has_the_same_fingerprint_in_every_release() {
        let new = NewRun {
            name: None,
            provider_id: ProviderId::from_uuid(Uuid::nil()),
            model: "m".to_owned(),
            dataset_id: DatasetId::from_uuid(Uuid::nil()),
            config: RunConfig::default(),
            priority: None,
            budget: None,
        };

        // `printf '["prov_000…","m","data_000…",{}]' | sha256sum`, with 32 zeros in each id.
        assert_eq!(fingerprint(&new).unwrap(), "cli-0ccf2de76383e64dbad07c6ace56557a-");
    }
}
