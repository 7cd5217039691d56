use crate::query::{decoded, parameter};

/// A method of Gemini's API: `POST /{version}/models/{model}:generateContent` or `:streamGenerateContent`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Gemini {
    pub(super) version: &'static str,
    pub(super) model: String,
    pub(super) delivery: Delivery,
}

/// Versions of the API, which the gateway treats in the same way.
const VERSIONS: [&str; 2] = ["v1beta", "v1"];

/// Form in which an answer is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// The whole answer is one JSON object, without streaming.
    Whole,
    /// Server-sent events, for `?alt=sse`.
    Events,
    /// One JSON array, sent element by element.
    Array,
}

impl Gemini {
    /// Parses a path and its query. Returns `None` for any other path. A model's name may contain colons: the last
    /// colon of the path ends the name.
    pub fn at(path: &str, query: &str) -> Option<Self> {
        let (version, rest) = VERSIONS.iter().find_map(|version| {
            Some((*version, path.strip_prefix('/')?.strip_prefix(version)?.strip_prefix("/models/")?))
        })?;
        let rest = decoded(rest);
        let (model, method) = rest.rsplit_once(':')?;
        let delivery = match method {
            "generateContent" => Delivery::Whole,
            "streamGenerateContent" if parameter(query, "alt").as_deref() == Some("sse") => Delivery::Events,
            "streamGenerateContent" => Delivery::Array,
            _ => return None,
        };
        Some(Self { version, model: model.to_owned(), delivery })
    }

    /// Returns the method's name, which is the last part of the path.
    pub(super) fn method(&self) -> &'static str {
        match self.delivery {
            Delivery::Whole => "generateContent",
            Delivery::Events | Delivery::Array => "streamGenerateContent",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_has_the_model_and_the_delivery() {
        let name = "key=0.8+ttft=2s+fail=429:0.1";
        let table = [
            ("key=0.8+ttft=2s+fail=429:0.1:generateContent", "", Delivery::Whole),
            ("key=0.8+ttft=2s+fail=429:0.1:streamGenerateContent", "", Delivery::Array),
            ("key=0.8+ttft=2s+fail=429:0.1:streamGenerateContent", "key=x&alt=sse", Delivery::Events),
            ("key%3D0.8%2Bttft%3d2s%2Bfail%3D429%3A0%2E1:streamGenerateContent", "alt=json", Delivery::Array),
            ("key%3D0.8+ttft=2s%2Bfail=429%3A0.1%3AgenerateContent", "alt=sse", Delivery::Whole),
        ];
        for (path, query, delivery) in table {
            let want = Gemini { version: "v1beta", model: name.to_owned(), delivery };
            assert_eq!(Gemini::at(&format!("/v1beta/models/{path}"), query), Some(want), "{path}");
        }
        assert_eq!(
            Gemini::at("/v1/models/echo:generateContent", "").map(|gemini| gemini.version),
            Some("v1")
        );
    }

    #[test]
    fn other_paths_are_none_of_its() {
        for path in
            ["/v1beta/models/echo", "/v1beta/models/echo:countTokens", "/v1alpha/models/echo:generateContent"]
        {
            assert_eq!(Gemini::at(path, ""), None, "{path}");
        }
    }
}
