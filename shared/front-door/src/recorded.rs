use runmill_proto::{
    ErrorKind, Outcome, Remarks,
    api::ResultRecord,
    chat::{Finish, ModelAnswer},
    message::CallFailure,
};

use crate::Refusal;

/// Returns the answer that a result is of. One that an older log-sink has written does not say why the model stopped; its
/// outcome says nearly as much.
pub fn recorded_answer(result: ResultRecord) -> ModelAnswer {
    let finish = result.finish.unwrap_or(match result.outcome {
        Outcome::Truncated => Finish::Length,
        Outcome::Succeeded if !result.tool_calls.is_empty() => Finish::ToolCalls,
        _ => Finish::Stop,
    });
    let is_refusal = result.outcome == Outcome::Refused && finish != Finish::ContentFilter;
    let text = result.response.unwrap_or_default();
    let (text, refusal) = if is_refusal { (String::new(), Some(text)) } else { (text, None) };
    ModelAnswer {
        text,
        reasoning: result.reasoning,
        refusal,
        tool_calls: result.tool_calls,
        logprobs: result.logprobs,
        finish,
        usage: result.answer_usage,
        remarks: Remarks::default(),
    }
}

/// Returns the error of a job that failed, as a client reads it.
pub fn recorded_failure(result: &ResultRecord) -> Refusal {
    let failure = CallFailure {
        kind: result.error_kind.unwrap_or(ErrorKind::ServerError),
        message: result.error.clone().unwrap_or_else(|| "the request failed".to_owned()),
        status: None,
        retry_after_ms: None,
    };
    Refusal::from(&failure)
}
