use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{ConfigFault, JobConfig, Judge, Judging, Reuse, Scoring, Unscored, Variation, numbers::Numbers};
use crate::{Generation, Range, Texts, depth::depth};

/// Configuration of a run as the user sent it. Keys that runmill does not know are kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunConfig(pub Map<String, Value>);

/// Deepest nesting of a tool's parameters, an answer's schema or the extra parameters of a request's body. A message can nest somewhat deeper than this,
/// because they are nested within other objects there.
const DEPTH_MAX: usize = 40;

/// Settings of a run other than the parameters of its requests.
const SETTINGS: [&str; 19] = [
    "generation",
    "sampling",
    "system_prompt",
    "prompt_template",
    "scoring",
    "scorers",
    "judge",
    "judges",
    "request",
    "retry",
    "variation",
    "texts",
    "deadline",
    "unscored",
    "reuse",
    "samples",
    "concurrency",
    "timeout_seconds",
    "max_retries",
];

impl RunConfig {
    /// Range of the number of samples of one item.
    pub const SAMPLES: Range<u32> = Range::new(1, 1_000);

    /// Returns the part that jobs need, or everything that is wrong with the configuration.
    ///
    /// Sampling parameters are under `generation`, else `sampling`, else at the top level.
    pub fn job(&self) -> Result<JobConfig, Vec<ConfigFault>> {
        let (config, faults) = self.read();
        if faults.is_empty() { Ok(config) } else { Err(faults) }
    }

    /// Returns one fault for each key that is no setting. They have no effect; the API keeps them, and to a person at a terminal
    /// each is a slip.
    pub fn unknown_keys(&self) -> Vec<ConfigFault> {
        let is_known = |key: &str| SETTINGS.contains(&key) || Generation::has(key);
        let unknown = self.0.keys().filter(|key| !is_known(key));
        let fault = |key: &String| ConfigFault {
            pointer: format!("/{key}"),
            detail: format!(
                "is no setting; there are the parameters of a request, such as temperature, and {}",
                SETTINGS.join(", ")
            ),
        };
        unknown.map(fault).collect()
    }

    /// Returns the part that jobs need of a configuration that was accepted earlier, perhaps by a release with wider
    /// ranges. A number out of its range is clamped, and a value that cannot be read counts as absent.
    pub fn stored_job(&self) -> JobConfig {
        self.read().0.clamped()
    }

    fn read(&self) -> (JobConfig, Vec<ConfigFault>) {
        let mut reader = Reader { map: &self.0, faults: Vec::new() };
        let scorers = reader.all_scorers();
        let mut config = JobConfig {
            generation: reader.generation(),
            system_prompt: reader.get("system_prompt"),
            prompt_template: reader.get("prompt_template"),
            scoring: scorers.first().map(|(_, scoring)| scoring.clone()),
            judging: reader.get("judging"),
            request: reader.get("request").unwrap_or_default(),
            retry: reader.get("retry").unwrap_or_default(),
            variation: reader.get("variation").filter(|variation: &Variation| variation.enabled),
            texts: reader.get("texts").unwrap_or_default(),
        };
        reader.faults.extend(config.request.faults());
        reader.faults.extend(config.retry.faults());
        let numbers = Numbers::of(&self.0);
        reader.faults.extend(numbers.faults());
        numbers.put_into(&mut config);
        reader.get::<Timestamp>("deadline");
        reader.get::<Unscored>("unscored");
        reader.judges(config.texts);
        reader.reuse(config.texts);
        if let Some(variation) = &config.variation {
            reader.faults.extend(variation.faults());
            if numbers.samples.is_some() {
                let detail = "does not go with a variation: its `per_item` says how many samples there are";
                reader.fault("/samples", detail);
            }
        }
        for (place, scoring) in &scorers {
            reader.faults.extend(scoring.setting_faults(place));
        }
        reader.scorers(&scorers, config.texts);
        (config, reader.faults)
    }

    /// Returns the number of independent answers to each item: 1 if the run does not state it.
    pub fn samples(&self) -> u32 {
        Numbers::of(&self.0).samples.map_or(1, |samples| Self::SAMPLES.clamp(samples))
    }

    /// Returns the number of answers to each item that a user asks for, who states either it or a variation. A run that is
    /// stored states it in any case.
    pub fn asked_samples(&self) -> u32 {
        self.variation().map_or_else(|| self.samples(), |variation| Self::SAMPLES.clamp(variation.forms()))
    }

    /// Returns the forms in which each item is asked, if there are others than the one that stands in the dataset.
    pub fn variation(&self) -> Option<Variation> {
        let stated = self.0.get("variation").and_then(|value| Variation::deserialize(value).ok());
        stated.filter(|variation| variation.enabled)
    }

    /// Returns the scorers of the run, each with its place in the configuration. Those that cannot be read count as absent.
    pub fn scorers(&self) -> Vec<(String, Scoring)> {
        Scoring::read_all(&self.0).unwrap_or_default()
    }

    /// Returns the scorers that score the stored answers when the run has ended, beside the one that scores them as they come.
    pub fn further_scorers(&self) -> Vec<Scoring> {
        self.scorers().into_iter().skip(1).map(|(_, scoring)| scoring).collect()
    }

    /// Returns the models that judge the answers. Those that cannot be read count as absent.
    pub fn judges(&self) -> Vec<Judge> {
        Judge::read_all(&self.0).unwrap_or_default()
    }

    /// Returns the configuration of the run in which a judge judges the answers of this one.
    #[must_use]
    pub fn of_judge(&self, judging: &Judging) -> Self {
        let Judging { judge, .. } = judging;
        let mut config = Map::new();
        for key in ["texts", "deadline", "request", "retry", "unscored", "variation"] {
            config.extend(self.0.get(key).map(|value| (key.to_owned(), value.clone())));
        }
        config.insert("generation".into(), json!(judge.generation));
        config.insert("judging".into(), json!(judging));
        let mut config = Self(config);
        config.set_samples(self.samples() * judge.verdict.orders());
        config
    }

    /// Returns the work of a judge's run.
    pub fn judging(&self) -> Option<Judging> {
        self.0.get("judging").and_then(|value| Judging::deserialize(value).ok())
    }

    /// Returns the maximum number of jobs of this run in flight, if the run states one.
    pub fn concurrency(&self) -> Option<u32> {
        self.0.get("concurrency").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok())
    }

    /// Sets the number of independent answers to each item.
    pub fn set_samples(&mut self, samples: u32) {
        self.0.insert("samples".to_owned(), samples.into());
    }

    /// Sets the maximum number of jobs of this run in flight. `None` removes it.
    pub fn set_concurrency(&mut self, most: Option<u32>) {
        match most {
            Some(most) => self.0.insert("concurrency".to_owned(), most.into()),
            None => self.0.remove("concurrency"),
        };
    }

    /// Returns how answers count that the scorer could not read.
    pub fn unscored(&self) -> Unscored {
        self.0.get("unscored").and_then(|value| Unscored::deserialize(value).ok()).unwrap_or_default()
    }

    /// Returns which answers of earlier runs the run takes over.
    pub fn reuse(&self) -> Reuse {
        self.0.get("reuse").and_then(|value| Reuse::deserialize(value).ok()).unwrap_or_default()
    }

    /// Returns true if LightEval shall execute the run.
    pub fn wants_lighteval(&self) -> bool {
        self.0.get("use_lighteval_executor").is_some_and(|value| value == true)
    }

    /// Returns what the run states for LightEval.
    pub fn lighteval(&self) -> Option<&Value> {
        self.0.get("lighteval").filter(|value| !value.is_null())
    }

    /// Returns the time after which no call of this run starts.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.0.get("deadline").and_then(Value::as_str).and_then(|text| text.parse().ok())
    }
}

struct Reader<'a> {
    map: &'a Map<String, Value>,
    faults: Vec<ConfigFault>,
}

impl Reader<'_> {
    fn fault(&mut self, pointer: &str, detail: impl Into<String>) {
        self.faults.push(ConfigFault { pointer: pointer.into(), detail: detail.into() });
    }

    fn get<T: serde::de::DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        let value = self.map.get(key).filter(|value| !value.is_null())?;
        match T::deserialize(value) {
            Ok(value) => Some(value),
            Err(error) => {
                self.fault(&format!("/{key}"), error.to_string());
                None
            }
        }
    }

    fn generation(&mut self) -> Generation {
        let place = ["generation", "sampling"].into_iter().find(|key| self.map.contains_key(*key));
        let pointer = place.map(|key| format!("/{key}")).unwrap_or_default();
        let read = match place.map(|key| &self.map[key]) {
            None => Generation::deserialize(self.map),
            Some(Value::Null) => Ok(Generation::default()),
            Some(value) => Generation::deserialize(value),
        };
        self.check_depth();
        if let Some(Value::Object(parameters)) = place.map(|key| &self.map[key]) {
            for key in parameters.keys().filter(|key| !Generation::has(key)) {
                self.fault(
                    &format!("{pointer}/{key}"),
                    "is no parameter; `extra_body` passes on what runmill does not know",
                );
            }
        }
        let generation = read.unwrap_or_else(|error| {
            self.fault(&pointer, error.to_string());
            Generation::default()
        });
        for found in generation.faults() {
            self.fault(&format!("{pointer}{}", found.pointer), found.detail);
        }
        generation
    }

    /// Checks the judges, who see the answers where these are stored.
    fn judges(&mut self, texts: Texts) {
        match Judge::read_all(self.map) {
            Ok(judges) if !judges.is_empty() && texts != Texts::All => {
                self.fault("/texts", "must be `all` for a judge, who reads the stored answers");
            }
            Ok(judges) => {
                let orders = judges.iter().map(|judge| judge.verdict.orders()).max().unwrap_or(1);
                let samples = RunConfig(self.map.clone()).asked_samples();
                if samples.saturating_mul(orders) > RunConfig::SAMPLES.max {
                    self.fault(
                        "/samples",
                        "must be at most 500 for a pairwise judge, who is asked twice for each",
                    );
                }
            }
            Err(faults) => self.faults.extend(faults),
        }
    }

    /// Reads the scorers.
    fn all_scorers(&mut self) -> Vec<(String, Scoring)> {
        Scoring::read_all(self.map).unwrap_or_else(|fault| {
            self.faults.push(fault);
            Vec::new()
        })
    }

    /// Checks the scorers together. All but the first score the answers that are stored.
    fn scorers(&mut self, scorers: &[(String, Scoring)], texts: Texts) {
        self.faults.extend(Scoring::list_faults(scorers));
        if scorers.len() > 1 && texts != Texts::All {
            self.fault("/texts", "must be `all` for several scorers, who read the stored answers");
        }
    }

    /// Checks the reuse of answers, which are looked for where texts are stored.
    fn reuse(&mut self, texts: Texts) {
        if self.get("reuse") == Some(Reuse::Exact) && texts != Texts::All {
            self.fault("/texts", "must be `all` for a run that takes over answers, which are stored texts");
        }
    }

    /// Checks the depth of the parameters that every job carries, because the depth of a message is limited.
    fn check_depth(&mut self) {
        for key in ["tools", "response_format", "extra_body"] {
            let within = |place: &str| Some((format!("/{place}/{key}"), self.map.get(place)?.get(key)?));
            let found = within("generation").or_else(|| within("sampling"));
            let found = found.or_else(|| Some((format!("/{key}"), self.map.get(key)?)));
            if let Some((pointer, value)) = found
                && depth(value) > DEPTH_MAX
            {
                self.fault(&pointer, format!("nests deeper than {DEPTH_MAX} levels"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scorer;

    fn config(value: Value) -> RunConfig {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn sampling_parameters_are_found_in_all_three_places() {
        let want = Generation { temperature: Some(0.5), ..Generation::default() };
        for value in [
            json!({"generation": {"temperature": 0.5}}),
            json!({"sampling": {"temperature": 0.5}}),
            json!({"temperature": 0.5}),
        ] {
            assert_eq!(config(value).job().unwrap().generation, want);
        }
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let faults = config(json!({
            "samples": 0, "concurrency": 0, "timeout_seconds": -1, "scoring": {"scorer": "regex"}, "max_retries": "many"
        }))
        .job()
        .unwrap_err();
        let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(
            pointers,
            ["/timeout_seconds", "/max_retries", "/samples", "/concurrency", "/scoring/pattern"]
        );
    }

    #[test]
    fn texts_are_all_unless_the_run_says_otherwise() {
        let texts = |value| config(value).job().map(|job| job.texts);
        assert_eq!(texts(json!({})), Ok(Texts::All));
        assert_eq!(texts(json!({"texts": "none"})), Ok(Texts::None));
        let fault = texts(json!({"texts": "some"})).unwrap_err().remove(0).to_string();
        assert!(fault.starts_with("/texts: ") && fault.contains("`hashes`"), "{fault}");
    }

    #[test]
    fn of_several_scorers_the_first_scores_answers_as_they_come() {
        let several =
            config(json!({"scorers": [{"scorer": "exact"}, {"scorer": "f1"}, {"scorer": "includes"}]}));
        assert_eq!(several.job().unwrap().scoring, Some(Scoring::from(Scorer::Exact)));
        assert_eq!(several.further_scorers(), [Scorer::F1, Scorer::Includes].map(Scoring::from));
        let one = config(json!({"scoring": {"scorer": "f1"}}));
        assert_eq!(
            (one.job().unwrap().scoring, one.further_scorers()),
            (Some(Scorer::F1.into()), Vec::new())
        );
    }

    #[test]
    fn every_scorer_of_a_list_is_checked() {
        let exact = json!({"scorer": "exact"});
        let table = [
            (json!({"scorers": [exact], "scoring": exact}), "/scorers"),
            (json!({"scorers": []}), "/scorers"),
            (json!({"scorers": vec![exact.clone(); 10]}), "/scorers"),
            (json!({"scorers": exact}), "/scorers"),
            (json!({"scorers": [exact, {"scorer": "magic"}]}), "/scorers/1"),
            (json!({"scorers": [exact, exact]}), "/scorers/1"),
            (json!({"scorers": [exact, {"scorer": "code"}]}), "/scorers/1"),
            (json!({"scorers": [{"scorer": "pattern"}]}), "/scorers/0/pattern"),
            (json!({"scorers": [exact, {"scorer": "numeric", "tolerance": -1}]}), "/scorers/1/tolerance"),
            (json!({"scorers": [exact, {"scorer": "f1"}], "texts": "none"}), "/texts"),
        ];
        for (value, want) in table {
            let faults = config(value.clone()).job().unwrap_err();
            assert_eq!(faults.iter().map(|fault| &*fault.pointer).collect::<Vec<_>>(), [want], "{value}");
        }
    }

    #[test]
    fn answers_are_taken_over_only_if_the_run_says_so() {
        assert_eq!(config(json!({})).reuse(), Reuse::None);
        assert_eq!(config(json!({"reuse": "exact"})).reuse(), Reuse::Exact);
        assert!(config(json!({"reuse": "exact"})).job().is_ok());
        for (value, pointer) in
            [(json!({"reuse": "all"}), "/reuse"), (json!({"reuse": "exact", "texts": "hashes"}), "/texts")]
        {
            let faults = config(value).job().unwrap_err();
            assert_eq!(faults.iter().map(|fault| &*fault.pointer).collect::<Vec<_>>(), [pointer]);
        }
    }

    #[test]
    fn parameters_that_are_not_known_are_refused() {
        let known = [
            "temperature",
            "top_p",
            "top_k",
            "max_new_tokens",
            "stop",
            "stop_sequences",
            "seed",
            "tools",
            "extra_body",
        ];
        assert!(known.iter().all(|name| Generation::has(name)));
        for place in ["generation", "sampling"] {
            let faults = config(json!({place: {"temperature": 0.5, "max_tokens": 5}})).job().unwrap_err();
            let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
            assert_eq!(
                faults,
                [format!(
                    "/{place}/max_tokens: is no parameter; `extra_body` passes on what runmill does not know"
                )]
            );
        }
    }

    #[test]
    fn unknown_keys_are_kept() {
        let kept = config(json!({"team": {"cost_centre": 7}}));
        assert_eq!(serde_json::to_value(&kept).unwrap(), json!({"team": {"cost_centre": 7}}));
        assert!(kept.job().is_ok());
    }

    #[test]
    fn keys_that_are_no_setting_are_named() {
        let slips = config(json!({"temprature": 0, "temperature": 0, "samples": 1, "system_promt": "x"}));
        let faults = slips.unknown_keys();
        let pointers: Vec<_> = faults.iter().map(|fault| &*fault.pointer).collect();
        assert_eq!(pointers, ["/temprature", "/system_promt"]);
        assert!(faults[0].detail.contains("temperature") && faults[0].detail.contains("system_prompt"));
    }

    /// A setting that is added belongs to the known ones, too.
    #[cfg(feature = "openapi")]
    #[test]
    fn the_settings_of_the_description_are_known() {
        use utoipa::{PartialSchema, ToSchema};
        let mut schemas = vec![(String::new(), RunConfig::schema())];
        <RunConfig as ToSchema>::schemas(&mut schemas);
        let parts = ["JobConfig", "RunConfigNumbers", "RunConfigJudges", "RunConfigScorers"];
        let described = schemas.iter().filter(|(name, _)| parts.contains(&name.as_str()));
        let described: Vec<_> = described.map(|(_, schema)| json!(schema)).collect();
        assert_eq!(described.len(), parts.len());
        for key in described.iter().flat_map(|schema| schema["properties"].as_object().unwrap().keys()) {
            // The server makes it for the runs of judges.
            assert!(key == "judging" || SETTINGS.contains(&key.as_str()), "{key}");
        }
    }

    #[test]
    fn short_names_are_the_settings_that_they_stand_for() {
        let short = config(json!({"timeout_seconds": 1.5, "max_retries": 0})).job().unwrap();
        let long = config(json!({"request": {"total_timeout_seconds": 1.5}, "retry": {"max_retries": 0}}));
        assert_eq!(short, long.job().unwrap());

        let both = config(json!({"max_retries": 1, "retry": {"max_retries": 2, "max_deferrals": 3}}));
        let retry = both.job().unwrap().retry;
        assert_eq!(
            (retry.max_retries, retry.max_deferrals),
            (Some(1), Some(3)),
            "the short name goes before"
        );
    }

    #[test]
    fn short_names_have_the_ranges_of_what_they_stand_for() {
        let table = [
            (json!({"timeout_seconds": 1e-7}), "/timeout_seconds: must be a number from 0.001 to 86400"),
            (json!({"max_retries": 4_000_000_000_u32}), "/max_retries: must be a whole number from 0 to 100"),
            (json!({"max_retries": -1}), "/max_retries: must be a whole number from 0 to 100"),
            (json!({"samples": 1001}), "/samples: must be a whole number from 1 to 1000"),
            (json!({"concurrency": 1.5}), "/concurrency: must be a whole number from 1 to 100000"),
        ];
        for (value, want) in table {
            let faults = config(value).job().unwrap_err();
            assert_eq!(faults.iter().map(ToString::to_string).collect::<Vec<_>>(), [want]);
        }
    }

    #[test]
    fn a_run_that_an_earlier_release_accepted_goes_on_within_the_ranges() {
        let stored = config(json!({"timeout_seconds": 1e-7, "max_retries": 4_000_000_000_u32, "samples": 9}));
        assert!(stored.job().is_err());

        let job = stored.stored_job();

        assert_eq!(job.request.total_timeout_seconds, Some(0.001));
        assert_eq!(job.retry.max_retries, Some(100));
        assert_eq!(stored.samples(), 9);
    }
}
