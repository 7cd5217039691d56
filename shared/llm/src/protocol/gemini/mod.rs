//! Google's Gemini API: `POST {base}/models/{model}:streamGenerateContent?alt=sse`, and `:generateContent` for a
//! buffered answer.
//!
//! Source: the Gemini API's reference, "Generating content", and its discovery document (`v1beta`); "Thinking";
//! "Troubleshooting"; Google's error model (`google.rpc.Status` and its details).

mod answer;
mod arguments;
mod buffered;
mod config;
pub(super) mod error;
mod finish;
mod request;
mod stream;
mod usage;

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONTENT_TYPE, InvalidHeaderValue},
};

use runmill_proto::Fix;

use super::{Decoder, ErrorAnswer, Form, Protocol, UnusableAnswer, WireRequest, without_prefix};
use crate::{ChatRequest, ChatResponse, ModelError};

/// Google's Gemini API, which gateways offer, too.
#[derive(Clone, Copy, Debug)]
pub struct Gemini;

const API_KEY: HeaderName = HeaderName::from_static("x-goog-api-key");

impl Protocol for Gemini {
    fn headers(&self, api_key: Option<&str>) -> Result<HeaderMap, InvalidHeaderValue> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(key) = api_key {
            let mut key = HeaderValue::try_from(key)?;
            key.set_sensitive(true);
            headers.insert(API_KEY, key);
        }
        Ok(headers)
    }

    fn encode(&self, request: &ChatRequest, form: Form) -> Result<WireRequest, ModelError> {
        let model = wire_name(&request.model, form)?;
        let (method, query) = if form.streams() {
            ("streamGenerateContent", Some("alt=sse"))
        } else {
            ("generateContent", None)
        };
        let body = request::body(request, model, form)?;
        Ok(WireRequest { path: format!("models/{model}:{method}"), query, body })
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::<stream::ChunkDecoder>::default()
    }

    fn buffered(&self, body: &[u8]) -> Result<ChatResponse, UnusableAnswer> {
        buffered::read(body)
    }

    fn error(&self, answer: &ErrorAnswer<'_>) -> ModelError {
        error::read(answer)
    }
}

/// Returns the model's name for the path: without LiteLLM's prefixes, and without the one in Google's own lists of
/// models. The form may keep LiteLLM's. Returns an error for a name that would lead to another path.
fn wire_name(model: &str, form: Form) -> Result<&str, ModelError> {
    let prefixes: &[_] = if form.has(Fix::FullModelName) { &[] } else { &["gemini/", "google/"] };
    let name = without_prefix(without_prefix(model, prefixes), &["models/"]);
    let steps = |part: &str| matches!(part.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    if name.is_empty() || name.contains(char::is_control) || name.split(['/', '\\']).any(steps) {
        let message = "the model's name is empty, or cannot be part of a URL".to_owned();
        return Err(ModelError::Inexpressible { message });
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use reqwest::Url;

    use super::*;

    /// Returns the URL of a request for `model`, built as the client builds it.
    fn url(model: &str, form: Form) -> String {
        let request = ChatRequest { model: model.into(), ..ChatRequest::default() };
        let wire = Gemini.encode(&request, form).unwrap();
        let mut url = Url::parse("https://host/v1beta").unwrap();
        url.set_path(&format!("/v1beta/{}", wire.path));
        url.set_query(wire.query);
        url.to_string()
    }

    #[test]
    fn a_stream_and_an_answer_in_one_piece_are_two_methods() {
        assert_eq!(
            url("gemini-2.5-flash", Form::default()),
            "https://host/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
        );
        assert_eq!(
            url("gemini-2.5-flash", Form::default().with(Fix::Buffered)),
            "https://host/v1beta/models/gemini-2.5-flash:generateContent"
        );
    }

    #[test]
    fn a_name_arrives_as_it_is_without_its_prefixes() {
        let table = [
            ("gemini/gemini-2.5-pro", "gemini-2.5-pro"),
            ("google/gemini-2.5-pro", "gemini-2.5-pro"),
            ("models/gemini-2.5-pro", "gemini-2.5-pro"),
            ("gemini/models/gemini-2.5-pro", "gemini-2.5-pro"),
            ("lorem+tokens=3+fail=429:0.1", "lorem+tokens=3+fail=429:0.1"),
            ("team/model:v1.2", "team/model:v1.2"),
            ("what?#", "what%3F%23"),
        ];
        for (model, want) in table {
            let url = url(model, Form::default());
            assert_eq!(
                url,
                format!("https://host/v1beta/models/{want}:streamGenerateContent?alt=sse"),
                "{model}"
            );
        }
    }

    #[test]
    fn a_name_cannot_lead_elsewhere() {
        for model in ["", "gemini/", "..", "../x", "a/../../x", "a\\..\\x", "a/%2E./x", "a/.\t./x"] {
            let request = ChatRequest { model: model.into(), ..ChatRequest::default() };
            let error = Gemini.encode(&request, Form::default()).unwrap_err();
            assert!(matches!(error, ModelError::Inexpressible { .. }), "{model}: {error}");
        }
    }

    #[test]
    fn the_key_goes_in_a_header_of_its_own_and_is_not_shown() {
        let headers = Gemini.headers(Some("AIza-secret")).unwrap();
        assert_eq!(headers["x-goog-api-key"], "AIza-secret");
        assert!(!format!("{headers:?}").contains("secret"));
        assert!(!Gemini.headers(None).unwrap().contains_key("x-goog-api-key"));
    }
}
