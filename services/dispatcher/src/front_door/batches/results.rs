//! The output file and the error file of a batch. They are not stored: their lines are written from the results, in the order
//! of the input, while a client reads them.

use std::{collections::VecDeque, sync::Arc};

use futures::{Stream, TryStreamExt as _, stream};
use runmill_front_door::{
    Endpoint, Refusal, ReplyHead, batch, estimate_prompt_tokens, read_value, recorded_answer,
    recorded_failure, write,
};
use runmill_proto::{Item, Outcome, api::ResultRecord, message::JobKey};
use runmill_store::{DispatcherStore, ResultFile, ResultFilter, StoreError};
use serde_json::Value;

use super::{OpenBatch, Phase};
use crate::front_door::bodies::{self, Body};

/// Status of a line that was not executed in time.
const REQUEST_TIMEOUT: u16 = 408;
/// Status of a line that was not executed because of a client's or an admin's wish.
const CONFLICT: u16 = 409;

/// A line of the input that is over, and its end.
pub struct Ended {
    pub body: Body,
    /// `None` if no call was made for it, and none will be.
    pub result: Option<ResultRecord>,
}

/// How a line ended, as a client reads it.
pub enum Ending {
    /// Body of the reply.
    Answered(Value),
    Failed(Refusal),
    Canceled,
    Expired,
}

/// Returns the lines of a file of a batch that is over, each with its line feed. Holds one page of lines and results.
pub fn lines(
    store: Arc<dyn DispatcherStore>,
    of: &OpenBatch,
    file: ResultFile,
) -> impl Stream<Item = Result<String, StoreError>> + Send + use<> {
    let of = of.clone();
    let (writing, dataset) = (store.clone(), of.clone());
    ended(store, dataset).try_filter_map(move |Ended { body, result }| {
        let (store, of) = (writing.clone(), of.clone());
        async move {
            if is_answer(result.as_ref()) != (file == ResultFile::Output) {
                return Ok(None);
            }
            let ordinal = body.ordinal;
            let text = body.text(&*store).await?;
            // A line that was refused has no id, and so no place in the file.
            let Some(custom_id) = custom_id(&text) else { return Ok(None) };
            let id = format!("batch_req_{}_{ordinal}", of.row.id.uuid().simple());
            let request_id = result.as_ref().map_or_else(
                || format!("req_{}_{ordinal}", of.row.id.uuid().simple()),
                |result| format!("req_{}", result.invocation_id.uuid().simple()),
            );
            let line = match ending(&of, &text, result) {
                Ending::Answered(reply) => batch::output_line(&id, &custom_id, &request_id, &reply),
                // All lines without an answer have the form of one that a server refused. With `response: null`, which is
                // OpenAI's form for lines that were not executed, inspect and curator lose the whole batch.
                Ending::Failed(refusal) => batch::refused_line(&id, &custom_id, &request_id, &refusal),
                Ending::Canceled => batch::refused_line(&id, &custom_id, &request_id, &canceled()),
                Ending::Expired => batch::refused_line(&id, &custom_id, &request_id, &expired()),
            };
            Ok(Some(line + "\n"))
        }
    })
}

/// Returns all lines of a batch that is over, in their order, each with its result.
pub fn ended(
    store: Arc<dyn DispatcherStore>,
    of: OpenBatch,
) -> impl Stream<Item = Result<Ended, StoreError>> + Send {
    let start = (store, of, 0_u32, VecDeque::new());
    stream::try_unfold(start, async |(store, of, mut from, mut page)| {
        if page.is_empty() {
            page = read(&*store, &of, from).await?;
            from += u32::try_from(page.len()).unwrap_or(bodies::PAGE);
        }
        let next = page.pop_front();
        Ok::<_, StoreError>(next.map(|ended| (ended, (store, of, from, page))))
    })
}

async fn read(store: &dyn DispatcherStore, of: &OpenBatch, from: u32) -> Result<VecDeque<Ended>, StoreError> {
    let lines = bodies::page(store, of.row.dataset_id, from).await?;
    let after =
        from.checked_sub(1).map(|ordinal| JobKey { run_id: of.row.id, ordinal, sample: u32::MAX >> 1 });
    let results = match &of.run {
        Some(run) => store.results(run.id, &ResultFilter::default(), after, bodies::PAGE).await?,
        None => Vec::new(),
    };
    let mut results = results.into_iter().filter(|result| result.sample == 0).peekable();
    let with_result = |body: Body| {
        let result = results.next_if(|result| result.ordinal == body.ordinal);
        Ended { body, result }
    };
    Ok(lines.into_iter().map(with_result).collect())
}

fn is_answer(result: Option<&ResultRecord>) -> bool {
    result.is_some_and(|result| result.outcome.is_answer())
}

/// Returns how a line ended.
pub fn ending(of: &OpenBatch, line: &str, result: Option<ResultRecord>) -> Ending {
    let Some(result) = result else {
        return match of.phase() {
            Phase::Expired | Phase::Expiring => Ending::Expired,
            Phase::Refused => Ending::Failed(refused(of)),
            _ => Ending::Canceled,
        };
    };
    match result.outcome {
        Outcome::Succeeded | Outcome::Refused | Outcome::Truncated => match reply(of, line, result) {
            Ok(reply) => Ending::Answered(reply),
            Err(refusal) => Ending::Failed(refusal),
        },
        Outcome::Failed => Ending::Failed(recorded_failure(&result)),
        Outcome::BudgetStopped => Ending::Failed(
            Refusal::new(CONFLICT, "The line was not executed, because the budget of the run is used up.")
                .with_code("insufficient_quota"),
        ),
        // A job of a run that is being canceled.
        Outcome::Canceled if of.phase() == Phase::Expired => Ending::Expired,
        Outcome::Canceled => Ending::Canceled,
    }
}

/// Writes the reply to a line as the endpoint would have written it.
fn reply(of: &OpenBatch, line: &str, result: ResultRecord) -> Result<Value, Refusal> {
    let request = Item::from_batch_line(line).ok().and_then(|item| item.request);
    let request = request.ok_or_else(|| Refusal::new(500, "the line cannot be read any more"))?;
    let endpoint = Endpoint::of_path(&request.url).unwrap_or(Endpoint::ChatCompletions);
    let asked = read_value(endpoint, &request.body)?;
    let head = ReplyHead {
        id: result.invocation_id.uuid().simple().to_string(),
        created: result.settled_at.as_second(),
        model: of.row.model.clone(),
        prompt_tokens: estimate_prompt_tokens(&asked.conversation),
    };
    Ok(write(&asked.reply, &head, &[recorded_answer(result)]))
}

/// Returns the fault of a line of a batch that was refused.
fn refused(of: &OpenBatch) -> Refusal {
    let faults = of.row.faults.as_deref().unwrap_or_default();
    let first = faults.first();
    let words = first.map_or("the file has a fault", |fault| fault.message.as_str());
    let place = first.and_then(|fault| fault.line).map(|line| format!(" (line {line})")).unwrap_or_default();
    Refusal::new(400, format!("The batch was refused: {words}{place}")).with_code("batch_failed")
}

fn canceled() -> Refusal {
    Refusal::new(CONFLICT, "The line was not executed, because the batch was cancelled.")
        .with_code("batch_cancelled")
}

fn expired() -> Refusal {
    Refusal::new(
        REQUEST_TIMEOUT,
        "The line was not executed before the completion window of the batch ended.",
    )
    .with_code("batch_expired")
}

/// Returns the id that the client gave to a line.
pub fn custom_id(line: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Named {
        custom_id: String,
    }
    serde_json::from_str::<Named>(line).ok().map(|named| named.custom_id)
}
