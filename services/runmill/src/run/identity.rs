//! Identity of a run: what it sends, and how that is scored. The same command finds its earlier run by it.

use ring::digest;
use runmill_proto::{Reuse, Unscored, api::NewRun};
use serde_json::{Value, json};

/// Identity of a run, as the beginning of its idempotency key. How a setting was given does not matter, nor how many calls
/// are made at once.
pub struct Identity {
    /// Same for all commands that send the same and are judged alike.
    pub answers: String,
    /// Same for those among them that have the same scorer.
    pub run: String,
    /// As `run`, in earlier releases.
    pub earlier: [String; 2],
}

impl Identity {
    pub fn of(new: &NewRun) -> serde_json::Result<Self> {
        let mut config = sent_config(new);
        let written = json!([new.provider_id, new.model, new.dataset_id, new.config]);
        let earlier = [key(&sent(new, &config))?, key(&written)?];
        let scoring = config.as_object_mut().and_then(|config| config.remove("scoring"));
        let judges = ["judge", "judges"].map(|name| new.config.0.get(name));
        let answers = key(&json!([sent(new, &config), judges]))?;
        let further = new.config.further_scorers();
        let scorers = if further.is_empty() { json!(scoring) } else { json!([scoring, further]) };
        let run = format!("{answers}{}", key(&scorers)?.trim_start_matches(PREFIX));
        Ok(Self { answers, run, earlier })
    }
}

/// Returns all that the run sends, and how many times, with this configuration of its jobs.
fn sent(new: &NewRun, of_jobs: &Value) -> Value {
    let config = &new.config;
    let mut sent = json!([
        new.provider_id,
        new.model,
        new.dataset_id,
        of_jobs,
        config.asked_samples(),
        config.deadline().map(|time| time.to_string()),
    ]);
    // They have no part in the fingerprints of earlier releases, which knew only one treatment, one scorer and no reuse.
    if config.unscored() != Unscored::default()
        && let Some(sent) = sent.as_array_mut()
    {
        sent.push(json!(config.unscored()));
    }
    if config.reuse() != Reuse::default()
        && let Some(sent) = sent.as_array_mut()
    {
        sent.push(json!({"reuse": config.reuse()}));
    }
    sent
}

/// Returns the configuration that jobs carry, without what is not set: settings of a later release have no part in it
/// while they are not used.
fn sent_config(new: &NewRun) -> Value {
    let mut config = json!(new.config.stored_job());
    remove_nulls(&mut config);
    config
}

fn remove_nulls(value: &mut Value) {
    if let Value::Object(fields) = value {
        fields.retain(|_, field| !field.is_null());
        fields.values_mut().for_each(remove_nulls);
        fields.retain(|_, field| field.as_object().is_none_or(|fields| !fields.is_empty()));
    }
}

/// Beginning of the idempotency keys of commands.
const PREFIX: &str = "cli-";

fn key(sent: &Value) -> serde_json::Result<String> {
    let hash = digest::digest(&digest::SHA256, &serde_json::to_vec(sent)?);
    let (half, _) = hash.as_ref().split_first_chunk().expect("SHA-256 has 32 bytes");
    Ok(format!("{PREFIX}{:032x}-", u128::from_be_bytes(*half)))
}

#[cfg(test)]
mod tests {
    use runmill_proto::{DatasetId, ProviderId, RunConfig};
    use uuid::Uuid;

    use super::*;

    fn run(config: Value) -> NewRun {
        NewRun {
            name: None,
            provider_id: ProviderId::from_uuid(Uuid::nil()),
            model: "m".to_owned(),
            dataset_id: Some(DatasetId::from_uuid(Uuid::nil())),
            config: serde_json::from_value(config).unwrap(),
            priority: None,
            budget: None,
            webhook: None,
        }
    }

    fn of(config: Value) -> Identity {
        Identity::of(&run(config)).unwrap()
    }

    /// A later release must find the runs of this one, and those of earlier ones.
    #[test]
    fn the_same_command_has_the_same_identity_in_every_release() {
        let identity = of(json!({}));
        // `printf '["prov_000…","m","data_000…",{},1,null]' | sha256sum`, with 32 zeros in each id, and the same without
        // the last two.
        let earlier = ["cli-02297e4eecf323189a535baecb5ce6a4-", "cli-0ccf2de76383e64dbad07c6ace56557a-"];
        assert_eq!(identity.earlier, earlier);
        // `printf '[["prov_000…","m","data_000…",{},1,null],[null,null]]' | sha256sum`, and `printf null | sha256sum`.
        assert_eq!(identity.answers, "cli-9e86f7bd18335bcfaa20f3a77c3ea36a-");
        assert_eq!(identity.run, "cli-9e86f7bd18335bcfaa20f3a77c3ea36a-74234e98afe7498fb5daf1f36ac2d78a-");
        assert_eq!(RunConfig::default().samples(), 1);
    }

    #[test]
    fn another_scorer_makes_another_run_of_the_same_answers() {
        let (one, other) =
            (of(json!({"scoring": {"scorer": "exact"}})), of(json!({"scoring": {"scorer": "f1"}})));
        assert_eq!(one.answers, other.answers);
        assert_ne!(one.run, other.run);
        assert!(one.run.starts_with(&one.answers));
        let judged = of(json!({"judge": {"model": "j"}}));
        assert_ne!(judged.answers, of(json!({})).answers);
    }

    #[test]
    fn what_is_sent_makes_the_run_and_not_how_it_was_said() {
        let same = [
            json!({"temperature": 0.0}),
            json!({"temperature": 0}),
            json!({"generation": {"temperature": 0}}),
            json!({"sampling": {"temperature": 0.0}, "samples": 1}),
            json!({"temperature": 0, "concurrency": 4, "retry": {}}),
        ];
        let keys: Vec<_> = same.map(|config| of(config).run).into();
        assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
        for other in [
            json!({}),
            json!({"temperature": 1}),
            json!({"temperature": 0, "samples": 2}),
            json!({"temperature": 0, "unscored": "zero"}),
            json!({"temperature": 0, "reuse": "exact"}),
            json!({"temperature": 0, "scorers": [{"scorer": "exact"}, {"scorer": "f1"}]}),
        ] {
            assert_ne!(of(other.clone()).run, keys[0], "{other}");
        }
    }
}
