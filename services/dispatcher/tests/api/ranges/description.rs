//! Reads from the `OpenAPI` description the numbers that the API accepts.

use runmill_proto::Range;
use serde_json::Value;

/// A number of a request.
pub struct Number {
    /// Method and path, such as `POST /runs`.
    pub operation: String,
    /// JSON pointer into the body, or `?` and the name of the query's parameter.
    pub pointer: String,
    pub range: Documented,
}

/// A range as it is documented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Documented {
    pub whole: bool,
    pub min: String,
    pub max: String,
}

/// Returns every number of every request's body and query. Fails if one has no range.
pub fn numbers() -> Vec<Number> {
    let description = serde_json::to_value(runmill_dispatcher::openapi()).unwrap();
    let mut numbers = Vec::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let name = format!("{} {path}", method.to_uppercase());
            let mut found = Vec::new();
            let body = &operation["requestBody"]["content"]["application/json"]["schema"];
            collect(&description, body, "", &mut found);
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                if parameter["in"] == "query" {
                    // A parameter's description is beside its schema.
                    let mut schema = parameter["schema"].clone();
                    schema["description"] = parameter["description"].clone();
                    let pointer = format!("?{}", parameter["name"].as_str().unwrap());
                    collect(&description, &schema, &pointer, &mut found);
                }
            }
            numbers.extend(found.into_iter().map(|(pointer, range)| {
                let range = range.unwrap_or_else(|| panic!("{name} {pointer} has no range `from A to B`"));
                Number { operation: name.clone(), pointer, range }
            }));
        }
    }
    numbers
}

/// Returns every number of the schema `name`.
pub fn numbers_of(name: &str) -> Vec<(String, Documented)> {
    let description = serde_json::to_value(runmill_dispatcher::openapi()).unwrap();
    let mut found = Vec::new();
    collect(&description, &description["components"]["schemas"][name], "", &mut found);
    found.into_iter().map(|(pointer, range)| (pointer, range.unwrap())).collect()
}

type Found = Vec<(String, Option<Documented>)>;

fn collect(description: &Value, schema: &Value, pointer: &str, found: &mut Found) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = description.pointer(reference.trim_start_matches('#'));
        return collect(description, target.expect(reference), pointer, found);
    }
    for of in ["allOf", "oneOf", "anyOf"] {
        for schema in schema[of].as_array().into_iter().flatten() {
            collect(description, schema, pointer, found);
        }
    }
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        collect(description, schema, &format!("{pointer}/{name}"), found);
    }
    for (name, place) in [("items", "0"), ("additionalProperties", "any")] {
        if schema[name].is_object() {
            collect(description, &schema[name], &format!("{pointer}/{place}"), found);
        }
    }
    let is = |wanted: &str| schema["type"] == wanted || contains(&schema["type"], wanted);
    if is("integer") || is("number") {
        let text = schema["description"].as_str().unwrap_or_default();
        found.push((pointer.to_owned(), Documented::in_text(text, is("integer"))));
    }
}

fn contains(list: &Value, wanted: &str) -> bool {
    list.as_array().is_some_and(|list| list.iter().any(|value| value == wanted))
}

impl Documented {
    /// Finds `from A to B`.
    fn in_text(text: &str, whole: bool) -> Option<Self> {
        let words: Vec<_> = text.split_whitespace().collect();
        words.windows(4).find_map(|words| {
            let number = |word: &str| {
                let word = word.trim_end_matches(['.', ',', ';', ':']);
                word.parse::<f64>().is_ok().then(|| word.to_owned())
            };
            let [from, min, to, max] = *words else { return None };
            (from == "from" && to == "to").then_some(())?;
            Some(Self { whole, min: number(min)?, max: number(max)? })
        })
    }

    /// Returns the error that a user reads.
    pub fn words(&self) -> String {
        let kind = if self.whole { "a whole number" } else { "a number" };
        format!("must be {kind} from {} to {}", self.min, self.max)
    }

    /// Returns both ends, as JSON.
    pub fn ends(&self) -> [String; 2] {
        [self.min.clone(), self.max.clone()]
    }

    /// Returns numbers just outside, as JSON.
    pub fn outside(&self) -> Vec<String> {
        if self.whole {
            let [min, max] = [&self.min, &self.max].map(|end| end.parse::<i128>().unwrap());
            return vec![
                (min - 1).to_string(),
                (max + 1).to_string(),
                format!("{min}.5"),
                "1e300".to_owned(),
            ];
        }
        let Range { min, max } = Range::new(self.min.parse::<f64>().unwrap(), self.max.parse().unwrap());
        let step = |end: f64| if end == 0.0 { 1e-9 } else { end.abs() * 1e-9 };
        vec![format!("{:e}", min - step(min)), format!("{:e}", max + step(max)), "-1e300".to_owned()]
    }
}
