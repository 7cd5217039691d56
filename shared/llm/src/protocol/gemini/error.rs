mod detail;

use detail::Detail;

use runmill_proto::Fix;

use crate::{
    ModelError,
    protocol::{ErrorAnswer, Form, cause::Cause, delay, refusal::Refusal, status::ErrorHead},
};

/// Reads an answer with an error status. The body takes precedence over the status, because it is more specific.
pub(in crate::protocol) fn read(answer: &ErrorAnswer<'_>) -> ModelError {
    let detail = Detail::read(answer.body);
    let form = if answer.fixable { fixed(answer.status, answer.form, &detail) } else { answer.form };
    if form != answer.form {
        return ModelError::Rejected { form, message: detail.message };
    }
    classify(ErrorHead { after: detail.delay.or(answer.after), ..ErrorHead::of(answer) }, detail)
}

/// Reads the error in a stream or answer that began with status 200. The error's status is its code, or else the
/// status that belongs to its name. If it has neither, the status is 500, because the server had already accepted the
/// request.
pub(in crate::protocol) fn in_band(error: impl AsRef<[u8]>) -> ModelError {
    let detail = Detail::read(error.as_ref());
    let status = detail.code.unwrap_or(match detail.status.as_str() {
        "INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "OUT_OF_RANGE" => 400,
        "UNAUTHENTICATED" => 401,
        "PERMISSION_DENIED" => 403,
        "NOT_FOUND" => 404,
        "RESOURCE_EXHAUSTED" => 429,
        "UNAVAILABLE" => 503,
        _ => 500,
    });
    classify(ErrorHead { after: detail.delay, ..ErrorHead::in_band(status) }, detail)
}

fn classify(head: ErrorHead, detail: Detail) -> ModelError {
    let topic = detail.topic(head.status);
    let told = || if head.status == 429 { delay::read(&detail.message) } else { None };
    let head = ErrorHead { after: head.after.or_else(told), ..head };
    let (status, after, message) = (head.status, head.after, detail.message);
    match topic {
        Some(Topic::Key) => ModelError::Authentication { message },
        // The error's delay is ignored: it is at most a minute, and a daily quota is not renewed by then.
        Some(Topic::Quota) => ModelError::QuotaExhausted { message, after: None },
        Some(Topic::Policy) => ModelError::ContentPolicy { message },
        Some(Topic::Shared(cause)) => cause.error(head, message),
        Some(Topic::Canceled) => ModelError::ServerError { status, message, after },
        None => head.error(message),
    }
}

/// Cause of an error, if its status alone does not show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Topic {
    Key,
    Quota,
    Policy,
    /// The provider canceled the request.
    Canceled,
    Shared(Cause),
}

impl Detail {
    fn topic(&self, status: u16) -> Option<Topic> {
        match status {
            // The API answers a bad key with the status of a bad request.
            400 if self.reason == "API_KEY_INVALID" || self.says(KEY) => Some(Topic::Key),
            400 if self.says(POLICY) => Some(Topic::Policy),
            429 if self.per_day || self.says(QUOTA) => Some(Topic::Quota),
            499 => Some(Topic::Canceled),
            _ => Cause::find(status, &self.status, &self.message).map(Topic::Shared),
        }
    }
}

/// Phrases of errors that concern the key, its account, or the caller's location.
const KEY: &[&str] = &[
    "api key not valid",
    "api key expired",
    "api key not found",
    "user location is not supported",
    "free tier is not available",
];

/// Phrase of Vertex AI. The Gemini API itself sends an empty answer with a reason instead.
const POLICY: &[&str] = &["responsible ai practices"];

/// Phrases for money that is used up, and for a limit of zero, where waiting is useless because the model is not part
/// of the plan. The phrase "current quota" is not among them, because the message of every limit begins with it, even
/// of a limit per minute.
const QUOTA: &[&str] =
    &["prepayment credits are depleted", "monthly spending cap", "limit: 0,", "limit: 0\n"];

/// Returns the form in which the provider may accept the request. It equals `form` if there is none.
fn fixed(status: u16, form: Form, detail: &Detail) -> Form {
    let no_stream = match status {
        405 | 501 => true,
        // The error is not Google's, so the server does not have the path of the stream.
        404 if detail.status.is_empty() => true,
        // The model has no method that streams, or log probabilities were requested, which streams do not have.
        400 | 404 => detail.says(STREAM) && detail.says(&["not supported", "unsupported", "not enabled"]),
        _ => false,
    };
    if form.streams() && no_stream {
        return form.with(Fix::Buffered);
    }
    let Detail { reason, message, .. } = detail;
    Refusal { status, code: reason, param: "", message }.fixes().fixes().fold(form, Form::with)
}

/// Names of streams in errors. The word "stream" alone is in names of media types, too.
const STREAM: &[&str] = &["streamgeneratecontent", "streaming"];
