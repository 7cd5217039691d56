mod completion;
mod events;
mod logprobs;
mod request;

use hyper::HeaderMap;
use jiff::Timestamp;

use self::{completion::ChatCompletion, events::ChatEvents, request::ChatRequest};
use super::{error, limit_headers};
use crate::{
    limit::Standing,
    protocol::{Answer, ErrorResponse, Events, Fault, ModelRequest, Protocol},
};

/// The protocol of `POST /v1/chat/completions`, and of Azure's path for the same.
#[derive(Debug, Default)]
pub(crate) struct Chat {
    /// Name of the model, if the path has it.
    deployment: Option<String>,
}

impl Chat {
    pub fn deployed(deployment: String) -> Self {
        Self { deployment: Some(deployment) }
    }
}

impl Protocol for Chat {
    fn read<'a>(&'a self, body: &'a [u8]) -> Result<ModelRequest<'a>, Fault> {
        serde_json::from_slice::<ChatRequest<'a>>(body)?.into_model_request(self.deployment.as_deref())
    }

    fn whole(&self, answer: &Answer<'_>) -> Vec<u8> {
        serde_json::to_vec(&ChatCompletion::of(answer)).expect("plain data serializes")
    }

    fn events<'a>(&self, answer: &'a Answer<'a>) -> impl Events + 'a {
        ChatEvents::of(answer)
    }

    fn tell_limits(&self, headers: &mut HeaderMap, standing: &Standing, _: Timestamp) {
        limit_headers::tell(headers, standing);
    }

    fn error_response(&self, fault: &Fault, _: u64) -> ErrorResponse {
        error::error_response(fault)
    }
}
