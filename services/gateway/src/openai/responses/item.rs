use serde::Serialize;

use crate::{
    behaviour::{Finish, Part},
    protocol::Answer,
};

/// An item in the output of a response. While it is in progress, its content is empty.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Item<'a> {
    Reasoning { id: String, summary: Vec<Content<'a>> },
    Message { id: String, status: &'static str, role: &'static str, content: Vec<Content<'a>> },
    FunctionCall { id: String, call_id: String, name: &'a str, arguments: &'a str, status: &'static str },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Content<'a> {
    SummaryText { text: &'a str },
    OutputText { text: &'a str, annotations: [(); 0], logprobs: [(); 0] },
}

impl<'a> Item<'a> {
    pub fn whole(answer: &'a Answer<'_>, part: Part) -> Self {
        let (content, arguments) = match part {
            Part::Call => (Vec::new(), &*answer.completion.text),
            part => (vec![Content::whole(answer, part)], ""),
        };
        let status = match answer.completion.finish {
            Finish::Length => "incomplete",
            Finish::Stop | Finish::Call => "completed",
        };
        Self::new(answer, part, status, content, arguments)
    }

    pub fn begun(answer: &'a Answer<'_>, part: Part) -> Self {
        Self::new(answer, part, "in_progress", Vec::new(), "")
    }

    fn new(
        answer: &'a Answer<'_>,
        part: Part,
        status: &'static str,
        content: Vec<Content<'a>>,
        arguments: &'a str,
    ) -> Self {
        let id = id(answer, part);
        match part {
            Part::Thoughts => Self::Reasoning { id, summary: content },
            Part::Text => Self::Message { id, status, role: "assistant", content },
            Part::Call => Self::FunctionCall {
                id,
                call_id: answer.id("call_"),
                name: answer.completion.call.unwrap_or_default(),
                arguments,
                status,
            },
        }
    }
}

impl<'a> Content<'a> {
    /// Makes the content of a text part.
    pub fn whole(answer: &'a Answer<'_>, part: Part) -> Self {
        match part {
            Part::Thoughts => Self::new(part, &answer.completion.thoughts),
            Part::Text | Part::Call => Self::new(part, &answer.completion.text),
        }
    }

    pub fn begun(part: Part) -> Self {
        Self::new(part, "")
    }

    fn new(part: Part, text: &'a str) -> Self {
        match part {
            Part::Thoughts => Self::SummaryText { text },
            Part::Text | Part::Call => Self::OutputText { text, annotations: [], logprobs: [] },
        }
    }
}

/// Makes the id of an item.
pub(super) fn id(answer: &Answer<'_>, part: Part) -> String {
    answer.id(match part {
        Part::Thoughts => "rs_",
        Part::Text => "msg_",
        Part::Call => "fc_",
    })
}
