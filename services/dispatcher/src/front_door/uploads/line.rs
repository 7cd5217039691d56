//! One line of a file of requests.

use runmill_front_door::Endpoint;
use runmill_store::LineFault;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::front_door::model::NAME_MAX;

/// Maximum number of characters of a `custom_id`, which an index of the database holds.
const CUSTOM_ID_CHARS_MAX: usize = 512;
/// Maximum number of characters of a text that a fault quotes.
const QUOTED_CHARS_MAX: usize = 100;

/// A line whose envelope is right. The content of its body is not read: what is wrong there is the fault of that request
/// alone.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    pub custom_id: String,
    pub url: String,
    pub model: String,
}

/// A line as it is written: `custom_id`, `method`, `url` and `body`, or, in a batch of messages, `custom_id` and `params`.
#[derive(Deserialize)]
struct Written<'a> {
    custom_id: Option<Value>,
    method: Option<Value>,
    url: Option<Value>,
    #[serde(borrow, alias = "params")]
    body: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Body {
    model: Option<Value>,
}

/// Protocol of a line: the fields around the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Envelope {
    /// OpenAI's, with the method and the path of the endpoint.
    Call,
    /// Anthropic's, whose requests are all for one endpoint.
    Params,
}

/// Returns the text of a line. What is no UTF-8 could only be guessed, and a model would get the guess.
pub fn text(line: &[u8]) -> Result<&str, LineFault> {
    std::str::from_utf8(line).map_err(|error| {
        let message = format!("The line is no UTF-8 from its byte {} on.", error.valid_up_to() + 1);
        fault("invalid_encoding", message, None)
    })
}

/// Returns the line, or why it is none. The number of the line is not known here.
pub fn read(envelope: Envelope, text: &str) -> Result<Line, LineFault> {
    let written: Written<'_> = serde_json::from_str(text)
        .map_err(|error| fault("invalid_json_line", format!("The line is no JSON object: {error}."), None))?;
    let custom_id = string(written.custom_id, "custom_id")?;
    check_id(&custom_id)?;
    let url = match envelope {
        Envelope::Params => Endpoint::Messages.path().to_owned(),
        Envelope::Call => url(written.method, written.url)?,
    };
    let name = if envelope == Envelope::Call { "body" } else { "params" };
    let body = written.body.ok_or_else(|| missing(name))?;
    let body: Body = serde_json::from_str(body.get())
        .map_err(|_| fault("invalid_request", format!("`{name}` must be an object."), Some(name)))?;
    let param = format!("{name}.model");
    let model = string(body.model, &param)?;
    if model.len() > NAME_MAX {
        let message = format!("`{param}` has more than {NAME_MAX} bytes.");
        return Err(fault("invalid_model", message, Some(&param)));
    }
    Ok(Line { custom_id, url, model })
}

fn url(method: Option<Value>, url: Option<Value>) -> Result<String, LineFault> {
    let method = string(method, "method")?;
    if !method.eq_ignore_ascii_case("POST") {
        let message = format!("The method must be POST, and not `{}`.", quoted(&method));
        return Err(fault("invalid_method", message, Some("method")));
    }
    let url = string(url, "url")?;
    if Endpoint::of_path(&url).is_none() {
        let known = Endpoint::ALL.map(Endpoint::path).join(", ");
        let message = format!("The URL `{}` is none of {known}.", quoted(&url));
        return Err(fault("invalid_url", message, Some("url")));
    }
    Ok(url)
}

fn check_id(custom_id: &str) -> Result<(), LineFault> {
    let reason = if custom_id.is_empty() {
        "must not be empty".to_owned()
    } else if custom_id.chars().count() > CUSTOM_ID_CHARS_MAX {
        format!("must have at most {CUSTOM_ID_CHARS_MAX} characters")
    } else if custom_id.chars().any(char::is_control) {
        "must have no control characters".to_owned()
    } else {
        return Ok(());
    };
    Err(fault("invalid_custom_id", format!("The custom_id {reason}."), Some("custom_id")))
}

fn string(value: Option<Value>, param: &str) -> Result<String, LineFault> {
    match value {
        Some(Value::String(text)) => Ok(text),
        None | Some(Value::Null) => Err(missing(param)),
        Some(_) => Err(fault("invalid_type", format!("`{param}` must be a string."), Some(param))),
    }
}

fn missing(param: &str) -> LineFault {
    let message = format!("Missing required parameter: '{param}'.");
    fault("missing_required_parameter", message, Some(param))
}

/// Returns the fault of a line, without its number.
pub fn fault(code: &str, message: String, param: Option<&str>) -> LineFault {
    LineFault { code: code.to_owned(), message, line: None, param: param.map(str::to_owned) }
}

/// Returns the start of a text of the client, for an error.
pub fn quoted(text: &str) -> String {
    text.chars().take(QUOTED_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_right_line_has_its_id_its_endpoint_and_its_model() {
        let call =
            json!({"custom_id": "q1", "method": "POST", "url": "/v1/responses", "body": {"model": "m"}});
        let params = json!({"custom_id": "q1", "params": {"model": "m"}});
        for (envelope, line, url) in
            [(Envelope::Call, call, "/v1/responses"), (Envelope::Params, params, "/v1/messages")]
        {
            let want = Line { custom_id: "q1".into(), url: url.into(), model: "m".into() };
            assert_eq!(read(envelope, &line.to_string()), Ok(want));
        }
    }

    #[test]
    fn every_fault_has_a_code_and_the_place() {
        let line = |field: &str, value: Value| {
            let mut line =
                json!({"custom_id": "q1", "method": "POST", "url": "/v1/responses", "body": {"model": "m"}});
            line[field] = value;
            line.to_string()
        };
        let table = [
            ("{".to_owned(), "invalid_json_line", None),
            ("[]".to_owned(), "invalid_json_line", None),
            (line("custom_id", Value::Null), "missing_required_parameter", Some("custom_id")),
            (line("custom_id", json!(7)), "invalid_type", Some("custom_id")),
            (line("custom_id", json!("")), "invalid_custom_id", Some("custom_id")),
            (line("custom_id", json!("a\u{1f}b")), "invalid_custom_id", Some("custom_id")),
            (line("custom_id", json!("x".repeat(513))), "invalid_custom_id", Some("custom_id")),
            (line("method", json!("GET")), "invalid_method", Some("method")),
            (line("url", json!("/v1/embeddings")), "invalid_url", Some("url")),
            (line("body", Value::Null), "missing_required_parameter", Some("body")),
            (line("body", json!("x")), "invalid_request", Some("body")),
            (line("body", json!({"model": "x".repeat(257)})), "invalid_model", Some("body.model")),
            (line("body", json!({})), "missing_required_parameter", Some("body.model")),
        ];
        for (text, code, param) in table {
            let fault = read(Envelope::Call, &text).unwrap_err();
            assert_eq!((fault.code.as_str(), fault.param.as_deref()), (code, param), "{text}: {fault:?}");
        }
    }
}
