use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Image, ImageFault, Scoring, batch_line};

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
    pub text: String,
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
        if item.request.is_some() {
            return Err(ItemFault::Request);
        }
        // `from_json` does not check the following, because it also reads lines that earlier releases stored without
        // these checks.
        let mut images = item.inputs.images.iter().enumerate();
        if let Some((n, fault)) = images.find_map(|(n, image)| Some((n, image.fault()?))) {
            return Err(ItemFault::Image(n, fault));
        }
        if item.item_type == ItemType::McqMulti && !item.answers.is_empty() {
            return Err(ItemFault::SeveralSets);
        }
        let checker = item.checker.as_ref().and_then(|checker| Scoring::deserialize(checker).ok());
        if checker.is_some_and(|scoring| !scoring.has_tolerance_in_range()) {
            return Err(ItemFault::Tolerance);
        }
        Ok(item)
    }

    /// Reads a line of a batch's file as the request that it is, also if it has the fields of an item.
    pub fn from_batch_line(line: &str) -> Result<Self, ItemFault> {
        batch_line::item(line).ok_or(ItemFault::NoRequest)
    }

    /// Reads and checks one line of a dataset. A line that is no item is read as one of a batch's file. Later code relies
    /// only on what is checked here.
    pub fn from_json(line: &str) -> Result<Self, ItemFault> {
        let item: Self = match serde_json::from_str(line) {
            Ok(item) => item,
            Err(error) => batch_line::item(line).ok_or_else(|| ItemFault::Json(error.to_string()))?,
        };
        if item.id.is_empty() {
            return Err(ItemFault::NoId);
        }
        let mcq = match item.item_type {
            ItemType::McqSingle => Some("mcq_single"),
            ItemType::McqMulti => Some("mcq_multi"),
            ItemType::Freeform | ItemType::Code | ItemType::JudgePairwise => None,
        };
        if let Some(name) = mcq
            && item.choices.len() < 2
        {
            return Err(ItemFault::NoChoices(name));
        }
        if matches!(item.answer, Some(Answer::Many(_))) && item.item_type != ItemType::McqMulti {
            return Err(ItemFault::ManyAnswers);
        }
        Ok(item)
    }
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
