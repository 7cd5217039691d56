use std::io::Write;

use runmill_front_door::{Refusal, ReplyHead, ReplyOptions, batch, recorded_answer, recorded_failure, write};
use runmill_pricing::estimate_message_tokens;
use runmill_proto::{
    Outcome,
    api::{DetailedResult, ResultRecord, Run},
};

use crate::{Encoder, ExportError, samples};

/// Status of a line whose job was ended before its call.
const CONFLICT: u16 = 409;

/// Output lines of `OpenAI`'s Batch API, in the order of the dataset. Their bodies are those of chat completions. A job
/// without an answer has the line of a request that was refused.
pub struct Batch<W> {
    to: W,
    run: String,
    model: String,
    /// True if an item has several lines, which its id alone cannot tell apart.
    has_samples: bool,
}

impl<W> Batch<W> {
    pub fn new(run: &Run, to: W) -> Self {
        let has_samples = samples(run) > 1;
        Self { to, run: run.id.uuid().simple().to_string(), model: run.model.clone(), has_samples }
    }

    fn line(&self, result: &DetailedResult) -> String {
        let record = &result.result;
        let custom_id = if self.has_samples {
            format!("{}#{}", record.item_id, record.sample)
        } else {
            record.item_id.clone()
        };
        let invocation = record.invocation_id.uuid().simple().to_string();
        let id = format!("batch_req_{}_{}_{}", self.run, record.ordinal, record.sample);
        let request_id = format!("req_{invocation}");
        let refusal = match record.outcome {
            Outcome::Succeeded | Outcome::Refused | Outcome::Truncated => {
                let reply = self.reply(invocation, result);
                return batch::output_line(&id, &custom_id, &request_id, &reply);
            }
            Outcome::Failed => recorded_failure(record),
            Outcome::BudgetStopped => {
                stopped("the budget of the run is used up").with_code("insufficient_quota")
            }
            Outcome::Canceled => stopped("the run was canceled").with_code("batch_cancelled"),
        };
        batch::refused_line(&id, &custom_id, &request_id, &refusal)
    }

    fn reply(&self, id: String, result: &DetailedResult) -> serde_json::Value {
        let record = &result.result;
        // Of an evaluation, the tokens of the call are recorded beside the result.
        let usage = record.answer_usage.or_else(|| result.call.as_ref()?.usage);
        let prompt_tokens = result.prompt.iter().map(|turn| estimate_message_tokens(&turn.content)).sum();
        let head = ReplyHead {
            id,
            created: record.settled_at.as_second(),
            model: result.call.as_ref().map_or_else(|| self.model.clone(), |call| call.model.clone()),
            prompt_tokens,
        };
        let answer = recorded_answer(ResultRecord { answer_usage: usage, ..record.clone() });
        write(&ReplyOptions::of_chat(answer.logprobs.is_some()), &head, &[answer])
    }
}

fn stopped(why: &str) -> Refusal {
    Refusal::new(CONFLICT, format!("The line was not executed, because {why}."))
}

impl<W: Write + Send> Encoder for Batch<W> {
    fn results(&mut self, results: &[DetailedResult]) -> Result<(), ExportError> {
        for result in results {
            let line = self.line(result) + "\n";
            self.to.write_all(line.as_bytes())?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), ExportError> {
        Ok(self.to.flush()?)
    }
}
