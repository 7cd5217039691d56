use runmill_prompt::{Prompt, varied};
use runmill_proto::{
    DatasetId, Item, JobConfig, RunKind, Turn, TurnRole,
    api::{DetailedResult, ResultRecord},
    chat::{Message, Part, Role},
};
use runmill_scoring::references;
use runmill_store::{DetailedRow, RunRow};

/// Configuration and prompt of one run, of which its results take their details.
pub struct Details {
    config: JobConfig,
    dataset: DatasetId,
    /// `None` if the run makes its prompts otherwise, or a release with other templates accepted it.
    prompt: Option<Prompt>,
}

impl Details {
    pub fn new(run: &RunRow) -> Self {
        let config = run.submission.config.stored_job();
        let is_plain = run.submission.kind == RunKind::Evaluation;
        let prompt = is_plain.then(|| Prompt::compile(config.prompt_template.as_deref()).ok()).flatten();
        Self { config, dataset: run.submission.dataset_id, prompt }
    }

    /// Returns the dataset whose items results show. A run that keeps no texts shows none.
    pub fn items_of(&self) -> Option<DatasetId> {
        self.config.texts.are_kept().then_some(self.dataset)
    }

    /// Returns a result with its details, but for the verdicts.
    pub fn of(&self, row: DetailedRow) -> DetailedResult {
        let detailed = DetailedResult { call: row.call, ..without(row.result) };
        // A line of a batch is no item.
        match row.item.and_then(|body| Item::from_json(&body).ok()) {
            Some(item) => self.with_item(detailed, item),
            None => detailed,
        }
    }

    fn with_item(&self, detailed: DetailedResult, item: Item) -> DetailedResult {
        let sample = detailed.result.sample;
        let item = match self.config.strategy(sample) {
            Some(strategy) => varied(item, strategy, sample),
            None => item,
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
        verdicts: Vec::new(),
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
