use anyhow::Context;
use runmill_prompt::PromptError;
use runmill_proto::{
    Item, JobConfig, Reuse, RunConfig, RunStatus, Scorer, Scoring, Texts, Unscored,
    api::{Budget, NewRun, Run},
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    ahead::{Ahead, LinesAhead},
    budget,
    dataset::{Items, ReadOptions},
    identity::Identity,
    option_file,
    provider::{ProviderChoice, StatedLimits},
    rescoring,
};
use crate::{
    cli::{RunArgs, ScorerArg, joined_budget},
    client::Client,
    exit::{UsageError, usage},
    process::Process,
    screen::note,
};

/// Run that was submitted, or an earlier run of the same command.
pub struct Submitted {
    pub run: Run,
    pub origin: Origin,
    /// Remark on a setting of the command that the earlier run does not take.
    pub kept: Option<String>,
    /// Remark on the key that the provider may need and does not have.
    pub missing_key: Option<String>,
}

/// Where the run of a command comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    New,
    /// It was there, and has not ended.
    Unfinished,
    /// It was there, and has all of its results.
    Finished,
}

impl Submitted {
    /// Returns an unfinished run that the user has named.
    pub const fn resumed(run: Run) -> Self {
        Self { run, origin: Origin::Unfinished, kept: None, missing_key: None }
    }
}

/// Provider, model and configuration of a run, without its items.
pub struct Request {
    pub model: String,
    pub provider: ProviderChoice,
    pub config: RunConfig,
    pub budget: Option<Budget>,
    pub dataset_name: String,
}

impl Request {
    pub fn from_args(args: &RunArgs, process: &Process) -> anyhow::Result<Self> {
        let limits = StatedLimits { concurrency: args.concurrency, rpm: args.rpm };
        let provider = ProviderChoice::from_args(&args.provider, limits, process)?;
        let file = args.dataset.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = args.name.clone().or(file).map(|name| readable(&name));
        let name = name.filter(|name| name != "-");
        let request = Self {
            model: args
                .model
                .first()
                .cloned()
                .ok_or_else(|| UsageError::new("--model is missing: it names the model"))?,
            provider,
            config: config(args)?,
            budget: joined_budget(&args.budget, args.max_calls),
            dataset_name: name.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| "dataset".to_owned()),
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

    /// Reads the items of a file as this run needs them, and checks its template and its scorer with them.
    pub fn read_items(&self, args: &RunArgs, ahead: Option<Ahead>) -> anyhow::Result<Items> {
        let job = self.job()?;
        let template = job.prompt_template.as_deref();
        let (used, scoring) = (prompt_names(template)?, job.scoring.as_ref());
        let options = ReadOptions { map: args.map.as_deref(), limit: args.limit, used, scoring };
        let mut items = Items::read(&args.dataset, &options, ahead)?;
        check_prompt(template, items.first()?.as_ref())?;
        // A judge needs no reference.
        if !self.config.0.contains_key("judge")
            && let Some(remark) = items.references.check(scoring)?
        {
            note!("{remark}");
        }
        Ok(items)
    }

    /// Uploads items while they are read, if the server has no dataset at all and so not these. Otherwise, and if it fails,
    /// [`prepare`](Self::prepare) does it.
    pub async fn upload_ahead(&self, client: &Client, lines: LinesAhead) {
        // A file that was read already has a hash, by which the server may know it.
        if lines.is_over() || !client.datasets(1).await.is_ok_and(|datasets| datasets.is_empty()) {
            return;
        }
        if let Err(error) = client.upload_dataset(&self.dataset_name, lines.into_body()).await {
            tracing::debug!(event = "dataset.not_uploaded_ahead", error = %error);
        }
    }

    /// Uploads the items unless the server has them. Returns what [`Prepared::submit`] submits.
    pub async fn prepare(&self, client: &Client, items: Items) -> anyhow::Result<Prepared> {
        let provider = self.provider.provider(client).await?;
        if let Some(line) = items.first_image.filter(|_| provider.capabilities.images == Some(false)) {
            return usage(format_args!(
                "{}, {line}: the item has images, and the provider takes none; with --images yes they are sent",
                self.dataset_name
            ));
        }
        let dataset = match client.dataset_with_hash(&items.version_hash).await? {
            Some(dataset) => dataset,
            None => client.upload_dataset(&self.dataset_name, items.into_body()?).await?,
        };
        let new = NewRun {
            name: Some(self.dataset_name.clone()),
            provider_id: provider.id,
            model: self.model.clone(),
            dataset_id: Some(dataset.id),
            config: self.config.clone(),
            priority: None,
            budget: self.budget,
            webhook: None,
        };
        let missing_key = self.provider.missing_key(&provider);
        Ok(Prepared { identity: Identity::of(&new)?, new, missing_key })
    }
}

/// A run that can be submitted.
pub struct Prepared {
    new: NewRun,
    pub identity: Identity,
    missing_key: Option<String>,
}

impl Prepared {
    /// Submits the run. Returns the run of an earlier, equal command instead, if that run has not ended, or, unless it is to
    /// run `again`, has completed.
    pub async fn submit(&self, client: &Client, again: bool) -> anyhow::Result<Submitted> {
        let mut finished = None;
        for prefix in [&self.identity.run].into_iter().chain(&self.identity.earlier) {
            match client.newest_run(prefix).await? {
                Some(run) if !run.status.is_terminal() && run.cancel_requested_at.is_none() => {
                    let kept = self.kept(&run);
                    return Ok(self.submitted(run, Origin::Unfinished, kept));
                }
                found => finished = finished.or(found.filter(is_completed)),
            }
        }
        if !again {
            let other = client.newest_run(&self.identity.answers).await?.filter(is_completed);
            if let Some(run) = finished.or(other) {
                let run = self.scored(client, run).await?;
                return Ok(self.submitted(run, Origin::Finished, None));
            }
        }
        let key = format!("{}{}", self.identity.run, Uuid::now_v7().simple());
        let run = client.create_run(&self.new, &key).await.context("the run is refused")?;
        debug_assert_eq!(run.status, RunStatus::Pending);
        Ok(self.submitted(run, Origin::New, None))
    }

    fn submitted(&self, run: Run, origin: Origin, kept: Option<String>) -> Submitted {
        Submitted { run, origin, kept, missing_key: self.missing_key.clone() }
    }

    /// Returns a run that has completed with its scores by the scorers of this command.
    async fn scored(&self, client: &Client, mut run: Run) -> anyhow::Result<Run> {
        let config = &self.new.config;
        let has = |run: &Run, wanted: &Scoring| {
            run.score_versions.iter().any(|version| version.scoring.as_ref() == Some(wanted))
        };
        for further in config.further_scorers() {
            if !has(&run, &further) {
                run = scored_by(client, run, Some(further)).await?;
            }
        }
        let wanted = config.stored_job().scoring;
        if rescoring::shown(&run) == wanted { Ok(run) } else { scored_by(client, run, wanted).await }
    }

    /// Returns a remark on a setting that the unfinished run keeps although the command states another.
    fn kept(&self, run: &Run) -> Option<String> {
        let (stated, kept) = (self.new.config.concurrency(), run.config.concurrency());
        let number = kept.map_or_else(|| "no limit".to_owned(), |number| number.to_string());
        let concurrency = (stated != kept).then(|| format!("the run keeps its concurrency: {number}"));
        let budget = run.budget.as_ref().and_then(Budget::stored);
        let budget = (self.new.budget != budget).then(|| match budget {
            Some(budget) => format!("the run keeps its budget: {}", budget::words(&budget)),
            None => "the run keeps its budget: no limit".to_owned(),
        });
        let kept: Vec<_> = [concurrency, budget].into_iter().flatten().collect();
        (!kept.is_empty()).then(|| kept.join("; "))
    }
}

/// Returns true if the run has all of its results, and its scores are not being made.
fn is_completed(run: &Run) -> bool {
    run.status == RunStatus::Completed
}

/// Scores a run anew.
async fn scored_by(client: &Client, run: Run, scoring: Option<Scoring>) -> anyhow::Result<Run> {
    note!("{} has these answers; they are scored anew, and no model is called", run.id);
    let asked = rescoring::ask(client, run.id, scoring).await;
    asked.context("the answers cannot be scored anew; --again calls the model again")?;
    Ok(rescoring::await_scores(client, run.id).await?)
}

/// Returns the name of a file as a server takes it: names of files may have characters that cannot be read.
fn readable(name: &str) -> String {
    name.chars()
        .filter(|char| char.is_alphanumeric() || char.is_ascii_graphic() || *char == ' ')
        .take(200)
        .collect()
}

/// Returns the names that a prompt template takes from the item.
pub fn prompt_names(template: Option<&str>) -> anyhow::Result<Vec<String>> {
    let names = template.map(runmill_prompt::names).transpose();
    Ok(names
        .map_err(|fault| UsageError::new(format_args!("the run's prompt_template: {fault}")))?
        .unwrap_or_default())
}

/// Checks a prompt template, and tries it with the first item.
pub fn check_prompt(template: Option<&str>, first: Option<&Item>) -> anyhow::Result<()> {
    match template.map(|template| runmill_prompt::check(template, first)) {
        Some(Err(fault @ PromptError::Render(_))) => {
            let id = first.map_or("", |item| item.id.as_str());
            usage(format_args!("the run's prompt_template: item {id}: {fault}"))
        }
        Some(Err(fault)) => usage(format_args!("the run's prompt_template: {fault}")),
        _ => Ok(()),
    }
}

fn config(args: &RunArgs) -> anyhow::Result<RunConfig> {
    let mut config: Map<String, Value> = match &args.config {
        Some(text) => known_settings(option_file::config(text)?)?,
        None => Map::new(),
    };
    let mut set = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            config.insert(key.to_owned(), value);
        }
    };
    set("texts", args.texts.map(|texts| Texts::from(texts).as_str().into()));
    set("unscored", args.unscored.map(|unscored| json!(Unscored::from(unscored))));
    set("reuse", args.reuse.map(|reuse| json!(Reuse::from(reuse))));
    set("samples", args.samples.map(Value::from));
    let system = args.system.as_deref().map(|path| option_file::text("--system", path)).transpose()?;
    set("system_prompt", args.system_prompt.clone().or(system).map(Value::from));
    let prompt = args.prompt.as_deref().map(|path| option_file::text("--prompt", path)).transpose()?;
    set("prompt_template", prompt.map(Value::from));
    // With --base-url, the option limits the provider, which keeps every slot busy. With --provider it limits the run,
    // since others may use that provider, too.
    set("concurrency", args.provider.provider.as_ref().and(args.concurrency).map(Value::from));
    let takes_pattern = |scorer: &ScorerArg| matches!((*scorer).into(), Scorer::Pattern | Scorer::Regex);
    if args.pattern.is_some() && !args.scorer.iter().any(takes_pattern) {
        return usage("--pattern goes with --scorer pattern or regex");
    }
    let scorers: Vec<_> = args.scorer.iter().map(|scorer| scoring((*scorer).into(), args)).collect();
    match &*scorers {
        [] => {}
        [one] => set("scoring", Some(one.clone())),
        several => set("scorers", Some(several.into())),
    }
    let sampling = [
        ("temperature", args.temperature.map(Value::from)),
        ("max_new_tokens", args.max_tokens.map(Value::from)),
        ("extra_body", args.extra_body.as_deref().map(extra_body).transpose()?),
    ];
    let place = sampling_place(&mut config);
    place.extend(sampling.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
    Ok(RunConfig(config))
}

/// Refuses a configuration that has keys without an effect.
fn known_settings(config: Map<String, Value>) -> anyhow::Result<Map<String, Value>> {
    let config = RunConfig(config);
    match config.unknown_keys().first() {
        Some(fault) => usage(format_args!("--config: {fault}")),
        None => Ok(config.0),
    }
}

/// Returns a scorer with the pattern, if it has use for one.
fn scoring(scorer: Scorer, args: &RunArgs) -> Value {
    let has_use = matches!(scorer, Scorer::Pattern | Scorer::Regex);
    json!({"scorer": scorer, "pattern": args.pattern.as_ref().filter(|_| has_use)})
}

fn extra_body(text: &str) -> anyhow::Result<Value> {
    let object = serde_json::from_str::<Map<String, Value>>(text);
    let object = object
        .map_err(|error| UsageError::new(format_args!("--extra-body is not a JSON object: {error}")))?;
    Ok(Value::Object(object))
}

/// Returns the part of a configuration from which the sampling parameters are read: what is elsewhere has no effect.
fn sampling_place(config: &mut Map<String, Value>) -> &mut Map<String, Value> {
    let nested = ["generation", "sampling"].into_iter().find(|key| config.contains_key(*key));
    match nested {
        Some(key) if config[key].is_object() => {
            config[key].as_object_mut().expect("it was checked to be an object")
        }
        _ => config,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_go_where_the_sampling_parameters_are_read() {
        for (text, pointer) in
            [("{}", ""), (r#"{"generation":{"seed":1}}"#, "/generation"), (r#"{"sampling":{}}"#, "/sampling")]
        {
            let mut config = serde_json::from_str(text).unwrap();
            sampling_place(&mut config).insert("temperature".into(), json!(0.5));
            assert_eq!(
                Value::Object(config.clone()).pointer(&format!("{pointer}/temperature")),
                Some(&json!(0.5))
            );
            assert_eq!(RunConfig(config).job().unwrap().generation.temperature, Some(0.5), "{text}");
        }
    }

    #[test]
    fn the_name_of_a_file_becomes_one_that_servers_take() {
        assert_eq!(readable("gsm8k é 名.jsonl"), "gsm8k é 名.jsonl");
        assert_eq!(readable("a\n\u{202e}\u{fffd}b"), "ab");
        assert_eq!(readable(&"x".repeat(250)).len(), 200);
    }

    #[test]
    fn an_extra_body_is_an_object() {
        assert_eq!(extra_body(r#"{"a": [1]}"#).unwrap(), json!({"a": [1]}));
        for wrong in ["[1]", "a=1", ""] {
            assert!(
                extra_body(wrong).unwrap_err().to_string().starts_with("--extra-body is not a JSON object")
            );
        }
    }
}
