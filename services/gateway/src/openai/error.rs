use hyper::{
    Response, StatusCode,
    header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER},
};
use serde::Serialize;

use crate::{behaviour::Unknown, body::Body, intake::Unread, record::OpenCall};

/// An error as `OpenAI` words it: the body is `{"error":{"message","type","param","code"}}`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub status: u16,
    pub message: String,
    kind: &'static str,
    param: Option<&'static str>,
    code: Option<&'static str>,
    /// In seconds.
    retry_after: Option<u32>,
}

#[derive(Serialize)]
struct Envelope<'a> {
    error: Inner<'a>,
}

#[derive(Serialize)]
struct Inner<'a> {
    message: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    param: Option<&'static str>,
    code: Option<&'static str>,
}

const INVALID: &str = "invalid_request_error";

impl ApiError {
    fn new(status: u16, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), kind, param: None, code: None, retry_after: None }
    }

    pub fn invalid(message: &str, param: &'static str) -> Self {
        Self { param: Some(param), ..Self::new(400, INVALID, message) }
    }

    pub fn unreadable(error: &serde_json::Error) -> Self {
        Self::new(400, INVALID, format!("the body is not a chat request: {error}"))
    }

    pub fn unread(why: &Unread) -> Self {
        let status = match why {
            Unread::TooLong { .. } => 413,
            Unread::Incomplete => 408,
        };
        Self::new(status, INVALID, why.to_string())
    }

    pub fn no_such_path(path: &str) -> Self {
        Self::new(404, INVALID, format!("there is no {path} here"))
    }

    pub fn no_such_model(name: &str, why: &Unknown) -> Self {
        let name: String = name.chars().take(100).collect();
        let message = format!("The model `{name}` does not exist: {why}");
        Self { param: Some("model"), code: Some("model_not_found"), ..Self::new(404, INVALID, message) }
    }

    pub fn cannot_stream() -> Self {
        let message = "Unsupported value: 'stream' does not support true with this model. Only the default (false) \
                       value is supported.";
        Self { code: Some("unsupported_value"), ..Self::invalid(message, "stream") }
    }

    /// The failure that a model's name asks for, with the type and code that go with its status.
    pub fn asked_for(status: u16, retry_after: Option<u32>) -> Self {
        let (kind, code) = match status {
            401 => (INVALID, Some("invalid_api_key")),
            403 => (INVALID, Some("unsupported_country_region_territory")),
            404 => (INVALID, Some("model_not_found")),
            429 => ("requests", Some("rate_limit_exceeded")),
            400..=499 => (INVALID, None),
            _ => ("server_error", None),
        };
        let message = format!("The model's name asks for this call to fail with status {status}.");
        Self { code, retry_after, ..Self::new(status, kind, message) }
    }

    /// A response to a call, which it ends.
    pub fn respond(self, call: OpenCall) -> Response<Body> {
        let status = self.status;
        self.head(Body::whole(self.json(), call, status))
    }

    /// A response that is no call's.
    pub fn respond_plainly(self) -> Response<Body> {
        self.head(Body::plain(self.json()))
    }

    fn head(&self, body: Body) -> Response<Body> {
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(self.status).expect("statuses here are 400 to 599");
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }

    fn json(&self) -> Vec<u8> {
        let Self { message, kind, param, code, .. } = self;
        let envelope = Envelope { error: Inner { message, kind, param: *param, code: *code } };
        serde_json::to_vec(&envelope).expect("text serializes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_read_as_openai_writes_them() {
        let table = [
            (
                ApiError::asked_for(429, None),
                r#""type":"requests","param":null,"code":"rate_limit_exceeded""#,
            ),
            (ApiError::asked_for(503, None), r#""type":"server_error","param":null,"code":null"#),
            (
                ApiError::cannot_stream(),
                r#""type":"invalid_request_error","param":"stream","code":"unsupported_value""#,
            ),
            (
                ApiError::no_such_model("x\"y", &Unknown::NoKey),
                r#"{"error":{"message":"The model `x\"y` does not exist: `key` needs"#,
            ),
        ];
        for (error, want) in table {
            let json = String::from_utf8(error.json()).unwrap();
            assert!(json.contains(want), "{json}");
        }
    }
}
