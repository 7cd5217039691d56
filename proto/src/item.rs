use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::Value;

use crate::{Image, ImageFault, Scoring, Turn, TurnRole, batch_line};

/// One question with its reference answer: a line of a dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Item {
    /// Id of the item, unique in its dataset.
    pub id: String,
    #[serde(rename = "type")]
    pub item_type: ItemType,
    pub inputs: Inputs,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// References of which any is right, beside `answer`. Not for `mcq_multi`, whose `answer` has all that are right.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<String>,
    /// Scorer of this item, as a name or as a `scoring` object. It takes precedence over the run's scorer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checker: Option<Value>,
    /// Rubric for a judge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criteria: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Value>,
    /// A line of a batch: a whole request, in place of the inputs.
    #[cfg_attr(feature = "openapi", schema(ignore))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<ItemRequest>,
}

/// Request of a client, as a line of a batch's file has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ItemRequest {
    /// Path of the endpoint, such as `/v1/chat/completions`.
    pub url: String,
    pub body: Value,
}

impl Item {
    /// Default of the longest line of a dataset, in bytes.
    pub const LINE_MAX_BYTES: usize = 8 * 1024 * 1024;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ItemType {
    McqSingle,
    McqMulti,
    Freeform,
    Code,
    JudgePairwise,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Inputs {
    /// The question. It may be left out if `messages` end with a user's message, which then is the question.
    #[serde(default)]
    pub text: String,
    /// Messages before the question. System messages before the first other one take the place of the run's system prompt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Turn>,
    /// Images, which follow the text. They are sent unless the provider's capability `images` is false; the item is then
    /// refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    /// Reserved, as `video`: no provider is sent it yet, so an item that has it is refused when it is called for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum Answer {
    One(String),
    /// All correct choices of an `mcq_multi` item.
    Many(Vec<String>),
}

/// Error for one line of a dataset, in words for the person who wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ItemFault {
    #[error("not an item: {0}")]
    Json(String),
    #[error("`id` is empty")]
    NoId,
    #[error("`inputs.text` is empty, and there is no image")]
    NoText,
    #[error("`inputs` has neither `text` nor `messages` that end with a user's message")]
    NoQuestion,
    #[error("`inputs.{0}` is not known; known are text, messages, images, audio and video")]
    UnknownInput(String),
    #[error("`choices` is empty, and type {0} needs at least two")]
    NoChoices(&'static str),
    #[error("`answer` is a list, and only type mcq_multi takes one")]
    ManyAnswers,
    #[error(
        "`answers` are references of which any is right; the choices that are all right are the list `answer`"
    )]
    SeveralSets,
    #[error("`checker`: the tolerance {range}", range = Scoring::TOLERANCE)]
    Tolerance,
    /// Fault of the image at a position of `inputs.images`, from 0.
    #[error("`inputs.images[{0}]`: {1}")]
    Image(usize, ImageFault),
    #[error("a request of a batch is no item of a dataset; upload its file with POST /v1/files")]
    Request,
    #[error("the line of the batch has no `custom_id`, or no `body`")]
    NoRequest,
}

impl Item {
    /// Reads and checks a line that a user sends.
    pub fn from_upload(line: &str) -> Result<Self, ItemFault> {
        let item = Self::from_json(line)?;
        item.check_upload()?;
        match unknown_input(line) {
            Some(name) => Err(ItemFault::UnknownInput(name)),
            None => Ok(item),
        }
    }

    /// Checks what [`Self::from_json`] does not, because it also reads lines that earlier releases stored without these
    /// checks.
    pub fn check_upload(&self) -> Result<(), ItemFault> {
        self.check()?;
        if self.request.is_some() {
            return Err(ItemFault::Request);
        }
        let mut images = self.inputs.images.iter().enumerate();
        if let Some((n, fault)) = images.find_map(|(n, image)| Some((n, image.fault()?))) {
            return Err(ItemFault::Image(n, fault));
        }
        if self.item_type == ItemType::McqMulti && !self.answers.is_empty() {
            return Err(ItemFault::SeveralSets);
        }
        if self.inputs.text.trim().is_empty() && self.inputs.images.is_empty() {
            return Err(ItemFault::NoText);
        }
        let checker = self.checker.as_ref().and_then(|checker| Scoring::deserialize(checker).ok());
        if checker.is_some_and(|scoring| !scoring.has_tolerance_in_range()) {
            return Err(ItemFault::Tolerance);
        }
        Ok(())
    }

    /// Reads a line of a batch's file as the request that it is, also if it has the fields of an item.
    pub fn from_batch_line(line: &str) -> Result<Self, ItemFault> {
        batch_line::item(line).ok_or(ItemFault::NoRequest)
    }

    /// Reads and checks one line of a dataset. A line that is no item is read as one of a batch's file. Later code relies
    /// only on what is checked here.
    pub fn from_json(line: &str) -> Result<Self, ItemFault> {
        let mut item: Self = match serde_json::from_str(line) {
            Ok(item) => item,
            Err(error) => batch_line::item(line).ok_or_else(|| ItemFault::Json(error.to_string()))?,
        };
        item.inputs.take_question()?;
        item.check()?;
        Ok(item)
    }

    fn check(&self) -> Result<(), ItemFault> {
        if self.id.is_empty() {
            return Err(ItemFault::NoId);
        }
        let mcq = match self.item_type {
            ItemType::McqSingle => Some("mcq_single"),
            ItemType::McqMulti => Some("mcq_multi"),
            ItemType::Freeform | ItemType::Code | ItemType::JudgePairwise => None,
        };
        if let Some(name) = mcq
            && self.choices.len() < 2
        {
            return Err(ItemFault::NoChoices(name));
        }
        if matches!(self.answer, Some(Answer::Many(_))) && self.item_type != ItemType::McqMulti {
            return Err(ItemFault::ManyAnswers);
        }
        Ok(())
    }
}

impl Inputs {
    /// Makes the last of the messages the question, unless there is a text.
    fn take_question(&mut self) -> Result<(), ItemFault> {
        if !self.text.is_empty() {
            return Ok(());
        }
        match self.messages.pop() {
            None => Ok(()),
            Some(Turn { role: TurnRole::User, content }) => {
                self.text = content;
                Ok(())
            }
            Some(_) => Err(ItemFault::NoQuestion),
        }
    }
}

/// Returns the name of a field of `inputs` that no release reads.
fn unknown_input(line: &str) -> Option<String> {
    #[derive(Deserialize)]
    #[expect(
        clippy::zero_sized_map_values,
        reason = "serde reads the fields of an object as a map, not as a set"
    )]
    struct Line<'a> {
        #[serde(borrow)]
        inputs: BTreeMap<Cow<'a, str>, IgnoredAny>,
    }
    let known = ["text", "messages", "images", "audio", "video"];
    let line: Line<'_> = serde_json::from_str(line).ok()?;
    line.inputs.into_keys().find(|name| !known.contains(&&**name)).map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_that_cannot_be_sent_is_refused_with_its_position() {
        let images = r#"[{"url":"https://example.org/x.png"},{"url":"x.png"}]"#;
        let line = format!(r#"{{"id":"a","type":"freeform","inputs":{{"text":"?","images":{images}}}}}"#);
        let fault = Item::from_upload(&line).unwrap_err().to_string();
        assert!(fault.starts_with("`inputs.images[1]`: `url` must begin with https://"), "{fault}");
    }

    #[test]
    fn a_request_of_a_batch_is_no_item_that_a_user_sends() {
        let request = r#""request":{"url":"/v1/chat/completions","body":{}}"#;
        for line in [
            r#"{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{}}"#,
            &format!(r#"{{"id":"a","type":"freeform","inputs":{{"text":"?"}},{request}}}"#),
        ] {
            assert!(Item::from_json(line).is_ok());
            assert_eq!(Item::from_upload(line), Err(ItemFault::Request), "{line}");
        }
    }

    #[test]
    fn a_conversation_ends_with_the_question() {
        let line = |inputs: &str| format!(r#"{{"id":"a","type":"freeform","inputs":{{{inputs}}}}}"#);
        let turns = r#"{"role":"system","content":"Be brief."},{"role":"user","content":"6 x 7?"}"#;
        let item = Item::from_upload(&line(&format!(r#""messages":[{turns}]"#))).unwrap();
        assert_eq!(item.inputs.text, "6 x 7?");
        assert_eq!(item.inputs.messages, [Turn { role: TurnRole::System, content: "Be brief.".into() }]);
        // An item that was read is read again as the same.
        assert_eq!(Item::from_upload(&serde_json::to_string(&item).unwrap()), Ok(item));

        let item = Item::from_upload(&line(&format!(r#""text":"why?","messages":[{turns}]"#))).unwrap();
        assert_eq!((item.inputs.text.as_str(), item.inputs.messages.len()), ("why?", 2));
    }

    #[test]
    fn inputs_that_ask_nothing_or_are_not_known_are_refused() {
        for (inputs, want) in [
            (r#""text":" ""#, "`inputs.text` is empty"),
            ("", "`inputs.text` is empty"),
            (r#""messages":[{"role":"assistant","content":"yes"}]"#, "that end with a user's message"),
            (r#""messages":[{"role":"robot","content":"yes"}]"#, "unknown variant `robot`"),
            (r#""text":"?","picture":"x.png""#, "`inputs.picture` is not known; known are text, messages"),
        ] {
            let line = format!(r#"{{"id":"a","type":"freeform","inputs":{{{inputs}}}}}"#);
            let fault = Item::from_upload(&line).unwrap_err().to_string();
            assert!(fault.contains(want), "{inputs}: {fault}");
        }
    }

    #[test]
    fn a_bad_line_says_what_is_wrong() {
        let table = [
            ("{", "not an item: EOF"),
            (r#"{"id":"a","type":"freeform"}"#, "missing field `inputs`"),
            (r#"{"id":"a","type":"essay","inputs":{"text":"?"}}"#, "unknown variant `essay`"),
            (r#"{"id":"","type":"freeform","inputs":{"text":"?"}}"#, "`id` is empty"),
            (r#"{"id":"a","type":"mcq_single","inputs":{"text":"?"},"choices":["x"]}"#, "at least two"),
            (r#"{"id":"a","type":"freeform","inputs":{"text":"?"},"answer":["x"]}"#, "only type mcq_multi"),
            (r#"{"custom_id":"","body":{}}"#, "`id` is empty"),
        ];
        for (line, want) in table {
            let fault = Item::from_json(line).unwrap_err().to_string();
            assert!(fault.contains(want), "{line}: {fault}");
        }
    }
}
