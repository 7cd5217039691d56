use serde::Serialize;

use crate::behaviour::{Completion, Finish};

/// All that an answer says, streamed or not.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    pub model: &'a str,
    /// Of this attempt alone.
    pub number: u64,
    /// In seconds since 1970.
    pub created: i64,
    pub prompt_tokens: usize,
    pub completion: Completion<'a>,
}

#[derive(Serialize)]
pub(super) struct Usage {
    #[serde(rename = "prompt_tokens")]
    prompt: usize,
    #[serde(rename = "completion_tokens")]
    completion: usize,
    #[serde(rename = "total_tokens")]
    total: usize,
}

#[derive(Serialize)]
struct ChatCompletion<'a> {
    id: String,
    object: &'static str,
    created: i64,
    model: &'a str,
    choices: [Choice<'a>; 1],
    usage: Usage,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u32,
    message: Message<'a>,
    logprobs: Option<()>,
    finish_reason: &'static str,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
    refusal: Option<()>,
}

impl Answer<'_> {
    pub fn id(&self) -> String {
        format!("chatcmpl-{:x}", self.number)
    }

    pub fn usage(&self) -> Usage {
        let (prompt, completion) = (self.prompt_tokens, self.completion.tokens);
        Usage { prompt, completion, total: prompt + completion }
    }

    /// The buffered form.
    pub fn json(&self) -> Vec<u8> {
        let Completion { text, finish, .. } = &self.completion;
        let message = Message { role: "assistant", content: text, refusal: None };
        let choice = Choice { index: 0, message, logprobs: None, finish_reason: finish.name() };
        let completion = ChatCompletion {
            id: self.id(),
            object: "chat.completion",
            created: self.created,
            model: self.model,
            choices: [choice],
            usage: self.usage(),
        };
        serde_json::to_vec(&completion).expect("plain data serializes")
    }
}

impl Finish {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    #[test]
    fn a_buffered_answer_on_the_wire() {
        let completion = Completion { text: Cow::Borrowed("a \"b"), tokens: 2, finish: Finish::Length };
        let answer = Answer { model: "echo", number: 255, created: 7, prompt_tokens: 5, completion };

        assert_eq!(
            String::from_utf8(answer.json()).unwrap(),
            r#"{"id":"chatcmpl-ff","object":"chat.completion","created":7,"model":"echo","choices":[{"index":0,"message":{"role":"assistant","content":"a \"b","refusal":null},"logprobs":null,"finish_reason":"length"}],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}"#
        );
    }
}
