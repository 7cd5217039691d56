use std::borrow::Cow;

use super::Text;
use crate::behaviour::{Form, Wish, tokens};

/// What a request asks for, borrowed from its bytes where it can be.
#[derive(Debug, Default)]
pub(crate) struct Asked<'a> {
    pub model: Cow<'a, str>,
    pub form: Form,
    /// Whether a stream ends with its usage. Only some protocols leave it out.
    pub include_usage: bool,
    /// The user's last message.
    pub prompt: Cow<'a, str>,
    pub prompt_tokens: usize,
    pub tokens_max: Option<usize>,
    /// The name of the first tool.
    pub tool: Option<Cow<'a, str>>,
    pub json: bool,
}

impl<'a> Asked<'a> {
    /// Takes up the next message. All are counted; the user's last is the prompt.
    pub fn hear(&mut self, text: Text<'a>, from_user: bool) {
        self.prompt_tokens += tokens(&text.0).count();
        if from_user {
            self.prompt = text.0;
        }
    }

    pub fn wish(&self) -> Wish<'_> {
        Wish {
            prompt: &self.prompt,
            tokens_max: self.tokens_max,
            tool: self.tool.as_deref(),
            json: self.json,
        }
    }
}
