use ring::digest::{SHA256, digest};
use runmill_prompt::{Prompt, PromptError, Question, varied};
use runmill_proto::{Generation, Item, JobConfig};
use runmill_store::{RequestHash, RunRow, Submission};
use serde_json::{Value, json};

/// Requests of a run's jobs, by the hashes of what is sent for them.
///
/// A hash is of everything that has a part in the answer, and of nothing else: two runs with other scorers, time limits or
/// references have the same.
pub struct Requests {
    /// Tenant, provider and model.
    callee: Value,
    generation: Value,
    config: JobConfig,
    prompt: Prompt,
}

impl Requests {
    /// Returns an error if the run's template cannot be used, so that there is no request.
    pub fn of(run: &RunRow) -> Result<Self, PromptError> {
        let Submission { tenant, provider_id, model, config, .. } = &run.submission;
        let config = config.stored_job();
        Ok(Self {
            callee: json!([tenant, provider_id, model]),
            generation: stated(&config.generation),
            prompt: Prompt::compile(config.prompt_template.as_deref())?,
            config,
        })
    }

    /// Returns the hash of the request for a sample of an item. `None` if no request can be made of it.
    ///
    /// The sample has a part in it, so that independent answers to an item stay as many.
    pub fn hash(&self, item: &str, sample: u32) -> Option<RequestHash> {
        let item = Item::from_json(item).ok()?;
        let item = match self.config.strategy(sample) {
            Some(strategy) => varied(item, strategy, sample),
            None => item,
        };
        let Question { system, messages } =
            self.prompt.question(&item, self.config.system_prompt.as_deref()).ok()?;
        let mut sent = json!([self.callee, system, messages, self.generation, sample]);
        sent.sort_all_objects();
        let hash = digest(&SHA256, sent.to_string().as_bytes());
        hash.as_ref().try_into().ok().map(RequestHash)
    }
}

/// Returns the parameters that are stated. A parameter that only a later release knows has no part in the hash while it is
/// not used.
fn stated(generation: &Generation) -> Value {
    let mut generation = json!(generation);
    if let Some(parameters) = generation.as_object_mut() {
        parameters.retain(|_, value| !value.is_null());
    }
    generation
}

#[cfg(test)]
mod tests {
    use runmill_proto::{ProviderId, RunId, Tenant};
    use uuid::Uuid;

    use super::*;

    fn run(config: Value) -> RunRow {
        let mut run = runmill_store::testing::run(RunId::from_uuid(Uuid::nil()), 1);
        run.submission.config = serde_json::from_value(config).unwrap();
        run
    }

    fn item() -> Value {
        json!({"id": "q", "type": "freeform", "inputs": {"text": "6 x 7?"}, "answer": "42"})
    }

    fn hash(run: &RunRow, item: &Value, sample: u32) -> RequestHash {
        Requests::of(run).unwrap().hash(&item.to_string(), sample).unwrap()
    }

    fn plain() -> RequestHash {
        hash(&run(json!({})), &item(), 0)
    }

    #[test]
    fn all_that_changes_an_answer_changes_the_hash() {
        let mut hashes = vec![plain(), hash(&run(json!({})), &item(), 1)];
        for config in [
            json!({"temperature": 0}),
            json!({"temperature": 1}),
            json!({"generation": {"max_new_tokens": 5}}),
            json!({"generation": {"seed": 5}}),
            json!({"generation": {"logprobs": true}}),
            json!({"generation": {"extra_body": {"min_p": 0.1}}}),
            json!({"generation": {"response_format": {"type": "json_object"}}}),
            json!({"generation": {"tools": [{"type": "function", "function": {"name": "add"}}]}}),
            json!({"system_prompt": "Be brief."}),
            json!({"prompt_template": "Q: {{ text }}"}),
        ] {
            hashes.push(hash(&run(config), &item(), 0));
        }
        let varied = run(json!({"variation": {"enabled": true, "strategies": ["prefix"]}}));
        hashes.push(hash(&varied, &item(), 1));
        for change in [
            json!({"text": "6 x 8?"}),
            json!({"text": "6 x 7?", "images": [{"url": "https://example.org/a.png"}]}),
            json!({"text": "6 x 7?", "messages": [{"role": "user", "content": "Hi"}]}),
            json!({"text": "6 x 7?", "messages": [{"role": "system", "content": "Be brief, please."}]}),
        ] {
            let mut item = item();
            item["inputs"] = change;
            hashes.push(hash(&run(json!({})), &item, 0));
        }
        let mut others = [run(json!({})), run(json!({})), run(json!({}))];
        others[0].submission.tenant = "another".parse::<Tenant>().unwrap();
        others[1].submission.provider_id = ProviderId::from_uuid(Uuid::max());
        others[2].submission.model = "another".into();
        hashes.extend(others.iter().map(|run| hash(run, &item(), 0)));

        let count = hashes.len();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), count);
    }

    #[test]
    fn nothing_else_changes_it() {
        for config in [
            json!({"scoring": {"scorer": "includes"}, "unscored": "zero"}),
            json!({"timeout_seconds": 5, "max_retries": 9, "retry": {"max_deferrals": 1}, "concurrency": 3}),
            json!({"samples": 5, "deadline": "2030-01-01T00:00:00Z", "reuse": "exact", "team": "a"}),
            json!({"prompt_template": "{{ text }}"}),
            json!({"variation": {"enabled": true}}),
        ] {
            assert_eq!(hash(&run(config.clone()), &item(), 0), plain(), "{config}");
        }
        let mut other = run(json!({}));
        (other.submission.name, other.submission.priority) = (Some("again".into()), 7);
        other.submission.budget = Some(json!({"max_calls": 5}));
        assert_eq!(hash(&other, &item(), 0), plain());
        let mut corrected = item();
        (corrected["id"], corrected["answer"], corrected["meta"]) =
            (json!("r"), json!("43"), json!({"a": 1}));
        assert_eq!(
            hash(&run(json!({})), &corrected, 0),
            plain(),
            "a corrected reference asks for no other answer"
        );
    }

    #[test]
    fn the_order_of_parameters_has_no_meaning() {
        let body = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let one = run(body(r#"{"generation":{"seed":1,"extra_body":{"a":{"x":1,"y":2},"b":2}}}"#));
        let other = run(body(r#"{"generation":{"extra_body":{"b":2,"a":{"y":2,"x":1}},"seed":1}}"#));
        assert_eq!(hash(&one, &item(), 0), hash(&other, &item(), 0));
    }

    #[test]
    fn an_item_that_cannot_be_asked_has_no_hash() {
        let requests = Requests::of(&run(json!({"prompt_template": "{{ meta.none.x }}{{ text }}"}))).unwrap();
        assert_eq!(requests.hash(&item().to_string(), 0), None);
        assert_eq!(requests.hash("{}", 0), None);
    }
}
