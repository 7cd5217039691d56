//! Lists of models.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::Dialect;

/// A model that a client may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// Name that requests have, such as `provider/model`.
    pub id: String,
    /// Name of the provider.
    pub owned_by: String,
    /// Seconds since 1970.
    pub created: i64,
}

/// Returns the answer of `GET /v1/models`, which has all models on one page. Anthropic's clients, which send the header
/// `anthropic-version`, read another shape than all others.
pub fn list(dialect: Dialect, models: &[Model]) -> Value {
    let data: Vec<_> = models.iter().map(|model| one(dialect, model)).collect();
    match dialect {
        Dialect::OpenAi => json!({ "object": "list", "data": data }),
        Dialect::Anthropic => json!({
            "data": data,
            "first_id": models.first().map(|model| &model.id),
            "has_more": false,
            "last_id": models.last().map(|model| &model.id),
        }),
    }
}

/// Returns the answer of `GET /v1/models/{id}`.
pub fn one(dialect: Dialect, model: &Model) -> Value {
    match dialect {
        Dialect::OpenAi => {
            json!({ "id": model.id, "object": "model", "created": model.created, "owned_by": model.owned_by })
        }
        Dialect::Anthropic => json!({
            "type": "model",
            "id": model.id,
            "display_name": model.id,
            "created_at": Timestamp::from_second(model.created).unwrap_or_default().to_string(),
            "lifecycle": "active",
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_the_shape_that_its_reader_knows() {
        let models = [Model { id: "local/llama".into(), owned_by: "local".into(), created: 1_795_902_000 }];

        let openai = list(Dialect::OpenAi, &models);
        let anthropic = list(Dialect::Anthropic, &models);

        let model = json!({
            "id": "local/llama", "object": "model", "created": 1_795_902_000, "owned_by": "local",
        });
        assert_eq!(openai, json!({ "object": "list", "data": [model] }));
        assert_eq!(anthropic["data"][0]["created_at"], "2026-11-28T21:40:00Z");
        assert_eq!((&anthropic["first_id"], &anthropic["has_more"]), (&json!("local/llama"), &json!(false)));
        assert_eq!(list(Dialect::Anthropic, &[])["last_id"], Value::Null);
    }
}
