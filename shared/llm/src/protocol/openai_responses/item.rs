use runmill_proto::{TokenLogprob, ToolCall};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::protocol::{
    draft::Draft,
    lenient,
    text::{Text, or_empty, text_or_json},
};

/// Separator between the parts of a summary, which are paragraphs.
pub(super) const PARAGRAPH: &str = "\n\n";

/// An element of `output`, of any type. Fields of other types are absent; an element of an unknown type adds nothing.
#[derive(Deserialize)]
pub(super) struct Item<'a> {
    #[serde(rename = "type", borrow, default, deserialize_with = "lenient::text")]
    kind: Option<Text<'a>>,
    /// Content of a message, or of reasoning that is not summarized.
    #[serde(borrow, default, deserialize_with = "lenient::list")]
    content: Option<Vec<Part<'a>>>,
    /// Summary of reasoning.
    #[serde(borrow, default, deserialize_with = "lenient::list")]
    summary: Option<Vec<Part<'a>>>,
    /// Id of a function call. The next two fields are a function call's, too.
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    call_id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, default)]
    text: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    refusal: Option<Text<'a>>,
    #[serde(borrow, default)]
    logprobs: Option<&'a RawValue>,
}

/// Reads the log probabilities of a part. Those of another shape are left out.
pub(super) fn logprobs(list: &RawValue) -> Vec<TokenLogprob> {
    serde_json::from_str(list.get()).unwrap_or_default()
}

impl Item<'_> {
    /// Adds the whole item to the answer, in which it has this number.
    pub fn add_to(self, number: u64, draft: &mut Draft) {
        match self.kind() {
            "function_call" => self.set(draft.tool(number)),
            "reasoning" => self.add_reasoning(draft),
            "message" => {
                for part in self.content.into_iter().flatten() {
                    draft.text(or_empty(part.text.as_ref()));
                    draft.refusal(or_empty(part.refusal.as_ref()));
                    draft.logprobs(part.logprobs.into_iter().flat_map(logprobs));
                }
            }
            _ => {}
        }
    }

    pub fn is_function_call(&self) -> bool {
        self.kind() == "function_call"
    }

    /// Copies this function call to `call`. At the item's start its arguments are empty, at its end they are
    /// complete.
    pub fn set(&self, call: &mut ToolCall) {
        or_empty(self.call_id.as_ref()).clone_into(&mut call.id);
        or_empty(self.name.as_ref()).clone_into(&mut call.name);
        call.arguments = self.arguments.map_or_else(String::new, |it| text_or_json(it).into_owned());
    }

    fn add_reasoning(&self, draft: &mut Draft) {
        for part in self.content.iter().flatten() {
            draft.reasoning(or_empty(part.text.as_ref()));
        }
        for (place, part) in self.summary.iter().flatten().enumerate() {
            if place > 0 {
                draft.reasoning(PARAGRAPH);
            }
            draft.reasoning(or_empty(part.text.as_ref()));
        }
    }

    fn kind(&self) -> &str {
        or_empty(self.kind.as_ref())
    }
}
