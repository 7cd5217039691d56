use runmill_llm::{ChatMessage, ChatRequest, Part, Role};
use runmill_prompt::{Case, JudgeRequest, verdict_schema};
use runmill_proto::{
    Generation, Item, JsonSchema, Judge, ResponseFormat, Score,
    message::{Job, JudgedAnswer},
};
use runmill_scoring::{references, verdict};

use super::{Pipeline, prepare::RequestError};
use crate::environment::Callee;

/// Returns the judge of a job that asks for a verdict.
pub(super) fn judge(job: &Job) -> Option<&Judge> {
    job.config.judging.as_ref().map(|judging| &judging.judge).filter(|_| !job.kind.is_answer())
}

/// Returns the sample of the answer with which a job is concerned, and the order in which a judge sees the answers.
pub(super) fn sample(job: &Job) -> (u32, u32) {
    let orders = judge(job).map_or(1, |judge| judge.verdict.orders());
    (job.sample / orders, job.sample % orders)
}

/// Returns the score of an answer by what its judge says of it.
pub(super) fn score(job: &Job, judge: &Judge, text: &str) -> Score {
    verdict(judge, sample(job).1, text)
}

impl Pipeline {
    /// Makes the request for a verdict.
    pub(super) fn judge_request(
        &self,
        job: &Job,
        judge: &Judge,
        item: &Item,
        callee: &Callee<'_>,
    ) -> Result<ChatRequest, RequestError> {
        let response = match &job.judged {
            Some(JudgedAnswer::Text(text)) => text,
            Some(JudgedAnswer::TooLarge(bytes)) => return Err(RequestError::TooLarge(*bytes)),
            None => return Err(RequestError::NoAnswer),
        };
        let generation = generation(judge, callee);
        let case = Case {
            item,
            response,
            references: &references(item),
            order: sample(job).1,
            is_json: generation.response_format.is_some(),
        };
        let prompt = self.environment.prompts.judges.get(judge.prompt.as_ref())?;
        let JudgeRequest { system, question } = prompt.render(judge, case)?;
        Ok(ChatRequest {
            model: job.model.clone(),
            system: Some(system),
            messages: vec![ChatMessage::new(Role::User, vec![Part::Text(question)])],
            generation,
            ..super::prepare::request(job, callee)
        })
    }
}

/// Returns the generation of a judge, who answers with JSON where the provider is known to take a schema.
fn generation(judge: &Judge, callee: &Callee<'_>) -> Generation {
    let mut generation = callee.supported(judge.generation.clone());
    if generation.response_format.is_none() && callee.capabilities().json_mode == Some(true) {
        let (name, schema, strict) = ("verdict".to_owned(), verdict_schema(judge), Some(true));
        let json_schema = JsonSchema { name, description: None, schema, strict };
        generation.response_format = Some(ResponseFormat::JsonSchema { json_schema });
    }
    generation
}
