use std::collections::HashMap;

use runmill_prompt::{Prompt, varied};
use runmill_proto::{
    InvocationId, Item, JobConfig, RunKind, Turn, TurnRole,
    api::{CallSummary, DetailedResult, InvocationRecord, ResultRecord},
    chat::{Message, Part, Role},
    usd,
};
use runmill_scoring::references;
use runmill_store::{DispatcherStore, RunRow, StoreError};

/// Number of results whose items are in memory at once: an item may have images.
const CHUNK: usize = 50;

/// Configuration and prompt of one run, of which its results take their details.
pub struct Details {
    config: JobConfig,
    /// `None` if the run makes its prompts otherwise, or a release with other templates accepted it.
    prompt: Option<Prompt>,
}

impl Details {
    pub fn new(run: &RunRow) -> Self {
        let config = run.submission.config.stored_job();
        let is_plain = run.submission.kind == RunKind::Evaluation;
        let prompt = is_plain.then(|| Prompt::compile(config.prompt_template.as_deref()).ok()).flatten();
        Self { config, prompt }
    }

    /// Adds the details of results, which are in the order of their ordinals.
    pub async fn of(
        &self,
        store: &dyn DispatcherStore,
        run: &RunRow,
        mut results: Vec<ResultRecord>,
    ) -> Result<Vec<DetailedResult>, StoreError> {
        let mut detailed = Vec::with_capacity(results.len());
        while !results.is_empty() {
            let chunk: Vec<_> = results.drain(..results.len().min(CHUNK)).collect();
            let ids: Vec<_> = chunk.iter().map(|result| result.invocation_id).collect();
            let calls = store.invocations_of(run.id, &ids).await?;
            let mut calls: HashMap<InvocationId, _> = calls.into_iter().map(|call| (call.id, call)).collect();
            let items = self.items(store, run, &chunk).await?;
            detailed.extend(chunk.into_iter().map(|result| {
                let (call, item) = (calls.remove(&result.invocation_id), items.get(&result.ordinal));
                let detailed = DetailedResult { call: call.as_ref().map(summary), ..without(result) };
                match item {
                    Some(item) => self.with_item(detailed, item),
                    None => detailed,
                }
            }));
        }
        Ok(detailed)
    }

    /// Returns the items of the results by their ordinals. A run that keeps no texts shows none.
    async fn items(
        &self,
        store: &dyn DispatcherStore,
        run: &RunRow,
        results: &[ResultRecord],
    ) -> Result<HashMap<u32, Item>, StoreError> {
        if !self.config.texts.are_kept() {
            return Ok(HashMap::new());
        }
        let mut ordinals: Vec<_> = results.iter().map(|result| result.ordinal).collect();
        ordinals.dedup();
        let stored = store.items_at(run.submission.dataset_id, &ordinals).await?;
        // A line of a batch is no item.
        let items =
            stored.into_iter().map(|(ordinal, stored)| Some((ordinal, Item::from_json(&stored.body).ok()?)));
        Ok(items.flatten().collect())
    }

    fn with_item(&self, detailed: DetailedResult, item: &Item) -> DetailedResult {
        let sample = detailed.result.sample;
        let item = match self.config.strategy(sample) {
            Some(strategy) => varied(item.clone(), strategy, sample),
            None => item.clone(),
        };
        let references = references(&item).into_owned();
        let prompt = self.prompt(&item);
        let images = item.inputs.images.len() as u64;
        DetailedResult {
            question: Some(item.inputs.text),
            prompt,
            images,
            choices: item.choices,
            references,
            meta: item.meta,
            ..detailed
        }
    }

    /// Returns the messages as the model got them. Empty if no prompt could be made of the item.
    fn prompt(&self, item: &Item) -> Vec<Turn> {
        let system = self.config.system_prompt.as_deref();
        let Some(Ok(question)) = self.prompt.as_ref().map(|prompt| prompt.question(item, system)) else {
            return Vec::new();
        };
        let system = question.system.map(|content| Turn { role: TurnRole::System, content });
        system.into_iter().chain(question.messages.into_iter().filter_map(turn)).collect()
    }
}

/// Returns a result without details.
pub fn without(result: ResultRecord) -> DetailedResult {
    DetailedResult {
        result,
        question: None,
        prompt: Vec::new(),
        images: 0,
        choices: Vec::new(),
        references: Vec::new(),
        meta: None,
        call: None,
    }
}

fn summary(call: &InvocationRecord) -> CallSummary {
    CallSummary {
        provider_id: call.provider_id,
        model: call.model.clone(),
        attempts: call.attempts.len() as u64,
        usage: call.usage,
        cost_usd: call.cost_nanousd.map(usd),
        started_at: call.started_at,
        latency_ms: call.latency_ms,
        ttft_ms: call.ttft_ms,
    }
}

fn turn(message: Message) -> Option<Turn> {
    let role = match message.role {
        Role::System => TurnRole::System,
        Role::User => TurnRole::User,
        Role::Assistant => TurnRole::Assistant,
        Role::Tool => return None,
    };
    let texts = message.parts.into_iter().filter_map(|part| match part {
        Part::Text(text) => Some(text),
        Part::Image(_) => None,
    });
    Some(Turn { role, content: texts.collect() })
}
