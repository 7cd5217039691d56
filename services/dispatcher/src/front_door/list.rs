//! Pages of lists, as clients ask for them.

use runmill_front_door::Refusal;
use serde::Deserialize;
use serde_json::{Value, json};

const DEFAULT: u32 = 20;

/// Query of a list. What a client adds beside these has no effect.
#[derive(Deserialize)]
pub struct ListQuery {
    limit: Option<String>,
    /// Id behind which the page begins, in OpenAI's lists.
    pub after: Option<String>,
    /// The same in Anthropic's lists.
    pub after_id: Option<String>,
    pub before_id: Option<String>,
    pub purpose: Option<String>,
}

impl ListQuery {
    /// Returns the number of rows of the page, which is at most `max`.
    pub fn limit(&self, max: u32) -> Result<u32, Refusal> {
        let Some(text) = &self.limit else { return Ok(DEFAULT) };
        let limit = text.parse().ok().filter(|limit| (1..=max).contains(limit));
        limit.ok_or_else(|| Refusal::invalid("limit", format!("`limit` must be from 1 to {max}")))
    }
}

/// Cuts rows, of which one more was read than the page has. Returns true if there are more.
pub fn cut<T>(mut rows: Vec<T>, limit: u32) -> (Vec<T>, bool) {
    let has_more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    (rows, has_more)
}

/// Returns a page of OpenAI's lists.
pub fn openai_list(data: &[Value], has_more: bool) -> Value {
    let mut list = anthropic_list(data, has_more);
    list["object"] = json!("list");
    list
}

/// Returns a page of Anthropic's lists.
pub fn anthropic_list(data: &[Value], has_more: bool) -> Value {
    let id = |object: Option<&Value>| object.map(|object| object["id"].clone());
    json!({"first_id": id(data.first()), "last_id": id(data.last()), "has_more": has_more, "data": data})
}
