mod completion;
mod events;
mod request;

use self::{completion::ChatCompletion, events::ChatEvents, request::ChatRequest};
use super::error;
use crate::protocol::{Answer, Asked, Events, Failure, Fault, Protocol};

/// `POST /v1/chat/completions`, and the same at the address that Azure has for it.
#[derive(Debug, Default)]
pub(crate) struct Chat {
    /// The model, where it is in the path.
    deployment: Option<String>,
}

impl Chat {
    pub fn deployed(deployment: String) -> Self {
        Self { deployment: Some(deployment) }
    }
}

impl Protocol for Chat {
    fn read<'a>(&'a self, body: &'a [u8]) -> Result<Asked<'a>, Fault> {
        serde_json::from_slice::<ChatRequest<'a>>(body)?.asked(self.deployment.as_deref())
    }

    fn whole(&self, answer: &Answer<'_>) -> Vec<u8> {
        serde_json::to_vec(&ChatCompletion::of(answer)).expect("plain data serializes")
    }

    fn events<'a>(&self, answer: &'a Answer<'a>) -> impl Events + 'a {
        ChatEvents::of(answer)
    }

    fn failure(&self, fault: &Fault, _: u64) -> Failure {
        error::failure(fault)
    }
}
