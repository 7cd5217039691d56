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
        // The tokens of an evaluation's call are recorded beside the result.
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

#[cfg(test)]
mod tests {
    use runmill_proto::api::ExportFormat;
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{changed, encoded, failed, result, run};

    fn lines(run: &Run, results: &[DetailedResult]) -> Vec<Value> {
        let text = String::from_utf8(encoded(ExportFormat::Batch, run, results)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn an_answer_is_a_chat_completion_and_a_failure_an_error() {
        let changes = json!({
            "outcome": "truncated", "reasoning": "Let me see.",
            "tool_calls": [{"id": "1", "name": "f", "arguments": "{}"}],
        });
        let rows = [
            result("a/é", 0),
            failed("b"),
            changed("c", 0, &json!({"outcome": "canceled"})),
            changed("d", 0, &changes),
        ];
        let [a, b, c, d] = &lines(&run(), &rows)[..] else { panic!("each row is a line") };
        assert_eq!((&a["custom_id"], &a["response"]["status_code"]), (&json!("a/é"), &json!(200)));
        let body = &a["response"]["body"];
        assert_eq!((&body["object"], &body["model"]), (&json!("chat.completion"), &json!("gpt/x")));
        assert_eq!(body["choices"][0]["message"]["content"], json!("It is 2."));
        assert_eq!(body["choices"][0]["finish_reason"], json!("stop"));
        assert_eq!((&body["usage"]["prompt_tokens"], &body["usage"]["total_tokens"]), (&json!(3), &json!(4)));

        assert!(b["response"]["status_code"].as_u64().unwrap() >= 400);
        assert!(b["response"]["body"]["error"]["message"].as_str().unwrap().contains("no answer in 60 s"));
        assert_eq!(c["response"]["body"]["error"]["code"], json!("batch_cancelled"));
        let choice = &d["response"]["body"]["choices"][0];
        assert_eq!(
            (&choice["finish_reason"], &choice["message"]["tool_calls"][0]["id"]),
            (&json!("length"), &json!("1"))
        );
    }

    #[test]
    fn samples_of_an_item_have_ids_of_their_own() {
        let mut run = run();
        run.config.0.insert("samples".to_owned(), json!(2));
        let lines = lines(&run, &[result("a", 0), result("a", 1)]);
        assert_eq!((&lines[0]["custom_id"], &lines[1]["custom_id"]), (&json!("a#0"), &json!("a#1")));
    }
}
