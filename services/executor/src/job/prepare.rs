use std::time::Duration;

use runmill_front_door::{Endpoint, read_value};
use runmill_llm::ChatRequest;
use runmill_prompt::{PromptError, Question};
use runmill_proto::{
    ErrorKind, Inputs, Item, ItemFault, ItemRequest,
    api::Capabilities,
    message::{Job, JobItem, JudgedAnswer},
};
use runmill_store::{ItemReader, StoreError};

use super::{Ending, Pipeline, check::STORE_PAUSE, end::End, judge};
use crate::{
    client_request,
    environment::{Callee, Remedy, Unusable},
};

/// Time after which a run resumes by itself if it was paused because this executor cannot use its provider.
const UNUSABLE_FOR: Duration = Duration::from_mins(1);

/// A call that is ready to be made.
pub(super) struct Prepared<'a> {
    pub callee: Callee<'a>,
    pub request: ChatRequest,
}

/// Reason why no request can be made of an item.
#[derive(Debug, thiserror::Error)]
pub(super) enum RequestError {
    #[error(transparent)]
    Prompt(#[from] PromptError),
    #[error("the item has images ({0}), and its provider takes none (`capabilities.images` is false)")]
    Images(usize),
    #[error(transparent)]
    Client(#[from] client_request::RequestError),
    /// A request of a batch that the endpoint would refuse, in its words.
    #[error("{0}")]
    Refused(String),
    #[error("`url` is `{0}`, which is no endpoint for a batch")]
    Endpoint(String),
    #[error("`n` is {0}: a line of a batch has one answer; send a line for each choice")]
    Choices(u32),
    #[error("the item has no answer to judge")]
    NoAnswer,
    #[error("the answer has {0} bytes, and a judge reads at most {max}", max = JudgedAnswer::BYTES_MAX)]
    TooLarge(u64),
    #[error(
        "the item has `inputs.{0}`, which runmill cannot send; remove it to ask the rest of the question"
    )]
    Unsent(&'static str),
}

impl RequestError {
    const fn kind(&self) -> ErrorKind {
        match self {
            Self::NoAnswer | Self::TooLarge(_) => ErrorKind::NoAnswer,
            _ => ErrorKind::BadItem,
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum ItemError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Fault(#[from] ItemFault),
    #[error("the dataset has no such item")]
    Missing,
}

impl Pipeline {
    /// Returns the job's item in the form of its sample, from its message or, if it is large, from the store.
    pub(super) async fn item(&self, end: &End<'_>) -> Result<Item, Ending> {
        let job = end.job;
        let (sample, _) = judge::sample(job);
        let read = self.read_item(job).await.map(|item| match job.config.strategy(sample) {
            Some(strategy) => runmill_prompt::varied(item, strategy, sample),
            None => item,
        });
        read.map_err(|error| match error {
            ItemError::Store(error) if error.is_transient() => end.deferred(STORE_PAUSE, &error).into(),
            error => end.failed(ErrorKind::BadItem, &error).into(),
        })
    }

    async fn read_item(&self, job: &Job) -> Result<Item, ItemError> {
        let stored;
        let json = match &job.item {
            JobItem::Inline(json) => json,
            JobItem::Reference(dataset_id) => {
                let store = &*self.environment.store;
                stored = ItemReader::items(store, *dataset_id, job.ordinal, 1).await?.pop();
                &stored.as_ref().ok_or(ItemError::Missing)?.body
            }
        };
        // A line of a batch may have the fields of an item, too, so the run decides what it is.
        let is_batch = self.environment.is_batch(job.run_id);
        Ok(if is_batch { Item::from_batch_line(json)? } else { Item::from_json(json)? })
    }

    /// Finds the provider and writes the request.
    pub(super) async fn prepare<'a>(&'a self, end: &End<'a>, item: &Item) -> Result<Prepared<'a>, Ending> {
        let job = end.job;
        let callee = self.environment.callee(job.provider_id, &job.config).await;
        let callee = callee.map_err(|error| unusable(end, &error))?;
        match self.request(job, item, &callee) {
            Ok(request) => Ok(Prepared { callee, request }),
            Err(reason) => Err(end.failed(reason.kind(), &reason).into()),
        }
    }

    fn request(&self, job: &Job, item: &Item, callee: &Callee<'_>) -> Result<ChatRequest, RequestError> {
        if let Some(request) = &item.request {
            return client_request(job, request, callee);
        }
        if let Some(judge) = judge::judge(job) {
            return self.judge_request(job, judge, item, callee);
        }
        check_inputs(&item.inputs, callee.capabilities())?;
        let prompt = self.environment.prompts.items.get(job.config.prompt_template.as_ref())?;
        let Question { system, messages } = prompt.question(item, job.config.system_prompt.as_deref())?;
        Ok(ChatRequest { system, messages, ..request(job, callee) })
    }
}

/// Returns a request by the job's configuration, without its messages.
pub(super) fn request(job: &Job, callee: &Callee<'_>) -> ChatRequest {
    ChatRequest {
        model: job.model.clone(),
        system: None,
        messages: Vec::new(),
        generation: callee.supported(job.config.generation.clone()),
        form: callee.form(),
        call_id: call_id(job),
        keep_thinking: callee.capabilities().thinking_tags == Some(false),
        is_strict: false,
        hides_words: !job.config.texts.are_kept(),
    }
}

/// Makes the request that a client asked for in a line of a batch. The run's own generation and prompt have no part in it.
fn client_request(
    job: &Job,
    request: &ItemRequest,
    callee: &Callee<'_>,
) -> Result<ChatRequest, RequestError> {
    let endpoint = Endpoint::of_path(&request.url);
    let endpoint = endpoint.ok_or_else(|| RequestError::Endpoint(request.url.clone()))?;
    let asked =
        read_value(endpoint, &request.body).map_err(|refusal| RequestError::Refused(refusal.message))?;
    if asked.n > 1 {
        return Err(RequestError::Choices(asked.n));
    }
    Ok(client_request::of(asked.conversation, &job.model, call_id(job), &job.config, callee)?)
}

/// Returns the id of the job's calls, which differs for each time that it is fed.
fn call_id(job: &Job) -> String {
    format!("{}:{}.{}", job.key(), job.epoch, job.attempt)
}

/// Checks that everything in `inputs` can be sent. An item is refused rather than asked without a part of its question.
fn check_inputs(inputs: &Inputs, capabilities: &Capabilities) -> Result<(), RequestError> {
    if capabilities.images == Some(false) && !inputs.images.is_empty() {
        return Err(RequestError::Images(inputs.images.len()));
    }
    let unsent = [("audio", &inputs.audio), ("video", &inputs.video)];
    match unsent.into_iter().find(|(_, value)| value.is_some()) {
        Some((name, _)) => Err(RequestError::Unsent(name)),
        None => Ok(()),
    }
}

fn unusable(end: &End<'_>, error: &Unusable) -> Ending {
    match error.remedy() {
        Remedy::Defer => end.deferred(STORE_PAUSE, error).into(),
        Remedy::PauseRun => end.stopped(UNUSABLE_FOR, error).into(),
        Remedy::Fail => end.failed(ErrorKind::ProviderUnavailable, error).into(),
    }
}
