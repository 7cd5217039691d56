//! Identity of a run: what it sends. The same command finds its unfinished run by it.

use ring::digest;
use runmill_proto::{Reuse, Unscored, api::NewRun};
use serde_json::{Value, json};

/// Returns the beginning of the run's idempotency key, which is the same for all commands that send the same. How a
/// setting was given does not matter, nor how many calls are made at once.
pub fn fingerprint(new: &NewRun) -> serde_json::Result<String> {
    let config = &new.config;
    let mut sent = json!([
        new.provider_id,
        new.model,
        new.dataset_id,
        sent_config(new),
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
    let further = config.further_scorers();
    if !further.is_empty()
        && let Some(sent) = sent.as_array_mut()
    {
        sent.push(json!({"further_scorers": further}));
    }
    key(&sent)
}

/// Returns the fingerprint of earlier releases, which took the configuration as it was written.
pub fn earlier_fingerprint(new: &NewRun) -> serde_json::Result<String> {
    key(&json!([new.provider_id, new.model, new.dataset_id, new.config]))
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

fn key(sent: &Value) -> serde_json::Result<String> {
    let hash = digest::digest(&digest::SHA256, &serde_json::to_vec(sent)?);
    let (half, _) = hash.as_ref().split_first_chunk().expect("SHA-256 has 32 bytes");
    Ok(format!("cli-{:032x}-", u128::from_be_bytes(*half)))
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

    fn key_of(config: Value) -> String {
        fingerprint(&run(config)).unwrap()
    }

    /// A later release must find the runs of this one.
    #[test]
    fn the_same_command_has_the_same_fingerprint_in_every_release() {
        // `printf '["prov_000…","m","data_000…",{},1,null]' | sha256sum`, with 32 zeros in each id.
        assert_eq!(key_of(json!({})), "cli-02297e4eecf323189a535baecb5ce6a4-");
        // `printf '["prov_000…","m","data_000…",{}]' | sha256sum`.
        let earlier = earlier_fingerprint(&run(json!({}))).unwrap();
        assert_eq!(earlier, "cli-0ccf2de76383e64dbad07c6ace56557a-");
        assert_eq!(RunConfig::default().samples(), 1);
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
        let keys: Vec<_> = same.map(key_of).into();
        assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
        for other in [
            json!({}),
            json!({"temperature": 1}),
            json!({"temperature": 0, "samples": 2}),
            json!({"temperature": 0, "unscored": "zero"}),
            json!({"temperature": 0, "reuse": "exact"}),
            json!({"temperature": 0, "scorers": [{"scorer": "exact"}, {"scorer": "f1"}]}),
        ] {
            assert_ne!(key_of(other.clone()), keys[0], "{other}");
        }
    }
}
