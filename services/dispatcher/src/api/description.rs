//! Completes the API's description with what all routes have in common, so that no handler has to repeat it.

use std::sync::{Arc, LazyLock};

use axum::{Json, Router, routing::get};
use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, SwaggerUi};

/// Name of the security scheme, whose requirement on each operation names the role.
pub const SCHEME: &str = "token";

/// The description as a document and as a page. It is completed when it is first read: most processes serve one command, and
/// nobody reads it.
pub struct Docs(Arc<LazyLock<Value, Box<dyn FnOnce() -> Value + Send>>>);

impl Docs {
    pub fn new(description: OpenApi) -> Self {
        Self(Arc::new(LazyLock::new(Box::new(move || complete(&description)))))
    }

    pub fn into_router(self) -> Router {
        let page = SwaggerUi::new("/docs").config(Config::from("/openapi.json"));
        let document = move || {
            let document = self.0.clone();
            async move { Json(Value::clone(&document)) }
        };
        Router::from(page).route("/openapi.json", get(document))
    }
}

/// Adds to each operation its tag, its id and every status that its extractors and middleware can answer, and to each number the
/// range that its text names.
pub fn complete(description: &OpenApi) -> Value {
    let mut document = json!(description);
    document["components"]["securitySchemes"] = json!({SCHEME: {"type": "http", "scheme": "bearer", "description": "A token that `POST /tokens` made, or one of `RUNMILL_TOKENS`"}});
    for (path, methods) in fields(&mut document["paths"]) {
        for (_method, operation) in fields(methods) {
            complete_operation(path, operation);
        }
    }
    add_ranges(&mut document);
    document
}

fn fields(value: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    value.as_object_mut().into_iter().flatten()
}

fn complete_operation(path: &str, operation: &mut Value) {
    let tag = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    operation["tags"] = json!([tag]);
    operation["operationId"] =
        json!(operation_id(path, operation["operationId"].as_str().unwrap_or_default()));
    let statuses = statuses(path, operation);
    let responses = operation["responses"].as_object_mut().expect("each operation has responses");
    for (status, text) in statuses {
        responses.entry(status).or_insert_with(|| json!({"description": text, "content": {}}));
    }
    for (status, response) in responses.iter_mut().filter(|(status, _)| *status >= &"400".to_owned()) {
        let schema = json!({"schema": {"$ref": "#/components/schemas/Problem"}});
        response["content"] = json!({"application/problem+json": schema});
        if response["description"].as_str().is_none_or(str::is_empty) {
            response["description"] = json!(meaning(status));
        }
    }
}

/// Returns the id of an operation, by which generated clients name it: the words of its path and the handler's name, such
/// as `runs_create`.
fn operation_id(path: &str, handler: &str) -> String {
    let words = path.split('/').filter(|part| !part.is_empty() && !part.starts_with('{'));
    let mut words: Vec<_> = words.map(|word| word.replace('-', "_")).collect();
    if words.last().is_none_or(|last| last != handler) {
        words.push(handler.to_owned());
    }
    words.join("_")
}

/// Returns the statuses that need no mention at a route.
fn statuses(path: &str, operation: &Value) -> Vec<(&'static str, &'static str)> {
    let has_parameters = operation["parameters"].as_array().is_some_and(|it| !it.is_empty());
    let takes_json = operation["requestBody"]["content"]["application/json"].is_object();
    let takes_a_body = operation["requestBody"].is_object();
    let role = &operation["security"][0][SCHEME][0];
    let possible = [
        ("400", has_parameters || takes_a_body),
        ("401", true),
        // Every token has the lowest role. The use of a shared provider is shown to its own tenant alone.
        ("403", role != "observe" || path.ends_with("/limits") || path.ends_with("/lighteval-config")),
        ("404", path.contains("{id}")),
        ("408", takes_json),
        ("413", takes_json),
        ("414", true),
        ("415", takes_json),
        ("500", true),
        ("503", true),
    ];
    let possible = possible.into_iter().filter(|(_, is_possible)| *is_possible);
    possible.map(|(status, _)| (status, meaning(status))).collect()
}

fn meaning(status: &str) -> &'static str {
    match status {
        "400" => "A value of the request is wrong; `errors` names each",
        "401" => "The token is missing or unknown, has expired or was revoked",
        "403" => "The token's role is too low, or its tenant or providers do not allow it",
        "404" => "There is no such object, or it belongs to another tenant",
        "409" => "The request does not fit the state of the object",
        "408" => "The body came too slowly",
        "413" => "The body is too large",
        "414" => "The path and its query are too long",
        "415" => "The body is not JSON by its `Content-Type`",
        "500" => "A fault of runmill",
        "502" => "An executor of another release answered",
        "503" => {
            "The database or another part cannot be reached now, or too many connections are in use; `Retry-After` says when to try again"
        }
        _ => "",
    }
}

/// Puts `minimum` and `maximum` where a description says `from A to B`. The tests compare these texts with what the API
/// accepts.
fn add_ranges(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(add_ranges),
        Value::Object(fields) => {
            add_range(fields);
            fields.values_mut().for_each(add_ranges);
        }
        _ => {}
    }
}

fn add_range(fields: &mut Map<String, Value>) {
    let Some((min, max)) = fields.get("description").and_then(Value::as_str).and_then(range) else { return };
    // The description of a parameter is beside its schema.
    let schema = match fields.get_mut("schema") {
        Some(Value::Object(schema)) => schema,
        _ => fields,
    };
    if schema.get("type").is_some_and(is_number) {
        schema.insert("minimum".to_owned(), min);
        schema.insert("maximum".to_owned(), max);
    }
}

fn is_number(kind: &Value) -> bool {
    match kind {
        Value::Array(kinds) => kinds.iter().any(is_number),
        kind => kind == "integer" || kind == "number",
    }
}

/// Finds `from A to B`.
fn range(text: &str) -> Option<(Value, Value)> {
    let words: Vec<_> = text.split_whitespace().collect();
    words.windows(4).find_map(|words| match *words {
        ["from", min, "to", max] => Some((number(min)?, number(max)?)),
        _ => None,
    })
}

fn number(word: &str) -> Option<Value> {
    let number = serde_json::from_str::<Value>(word.trim_end_matches(['.', ',', ';', ':'])).ok()?;
    number.is_number().then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_found_in_a_text() {
        let table = [
            ("Number of tries, from 1 to 100. Default: 1.", Some((json!(1), json!(100)))),
            ("Seconds, from 0.001 to 86400", Some((json!(0.001), json!(86400)))),
            ("A way from here to there", None),
        ];
        for (text, want) in table {
            assert_eq!(range(text), want, "{text}");
        }
    }
}
