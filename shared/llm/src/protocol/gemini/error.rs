mod detail;

use detail::Detail;

use crate::{
    Fix, ModelError,
    protocol::{ErrorAnswer, Form, delay, status::ErrorHead},
};

/// Reads an answer with an error status. The body decides before the status, since it is more specific.
pub(in crate::protocol) fn read(answer: &ErrorAnswer<'_>) -> ModelError {
    let detail = Detail::read(answer.body);
    if let Some(fix) = fix(answer.status, answer.form, &detail) {
        return ModelError::Rejected { fix, message: detail.message };
    }
    classify(ErrorHead { after: detail.delay.or(answer.after), ..ErrorHead::of(answer) }, detail)
}

/// Reads the error in a stream or answer that began with status 200. Its status is its code, else the one that
/// corresponds to its name, else 500, since the request had been accepted.
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
        // The error's delay is ignored: it is a minute at most, and a quota of the day is not renewed by then.
        Some(Topic::Quota) => ModelError::QuotaExhausted { message, after: None },
        Some(Topic::Context) => ModelError::ContextLength { message },
        Some(Topic::Policy) => ModelError::ContentPolicy { message },
        Some(Topic::Canceled) => ModelError::ServerError { status, message, after },
        None => head.error(message),
    }
}

/// The cause of an error, where its status alone does not tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Topic {
    Key,
    Quota,
    Context,
    Policy,
    /// The provider canceled the request.
    Canceled,
}

impl Detail {
    fn topic(&self, status: u16) -> Option<Topic> {
        match status {
            // The API answers a bad key with the status of a bad request.
            400 if self.reason == "API_KEY_INVALID" || self.says(KEY) => Some(Topic::Key),
            400 if self.says(CONTEXT) => Some(Topic::Context),
            400 if self.says(POLICY) => Some(Topic::Policy),
            429 if self.per_day || self.says(QUOTA) => Some(Topic::Quota),
            499 => Some(Topic::Canceled),
            _ => None,
        }
    }
}

/// Phrases of errors of the key, of its account, or of the caller's location.
const KEY: &[&str] = &[
    "api key not valid",
    "api key expired",
    "api key not found",
    "user location is not supported",
    "free tier is not available",
];

const CONTEXT: &[&str] = &["exceeds the maximum number of tokens allowed"];

/// Phrase of Vertex AI. The Gemini API itself sends an empty answer with a reason instead.
const POLICY: &[&str] = &["responsible ai practices"];

/// Phrases for money that is used up, and for a limit of zero: the model is not part of the plan, so waiting is
/// useless. The phrase "current quota" is not among them: the message of every limit begins with it, also of a limit
/// a minute.
const QUOTA: &[&str] =
    &["prepayment credits are depleted", "monthly spending cap", "limit: 0,", "limit: 0\n"];

/// Returns the change to the form that may get the request accepted, if there is one.
fn fix(status: u16, form: Form, detail: &Detail) -> Option<Fix> {
    let no_stream = match status {
        405 | 501 => true,
        // An error that is not Google's: the server does not have the path.
        404 if detail.status.is_empty() => true,
        // The model has no method that streams, or log probabilities were asked for, which streams do not have.
        400 | 404 => detail.says(STREAM) && detail.says(&["not supported", "unsupported", "not enabled"]),
        _ => false,
    };
    (form.stream && no_stream).then_some(Fix::Buffer)
}

/// Names of streams in errors. The word "stream" alone is in names of media types, too.
const STREAM: &[&str] = &["streamgeneratecontent", "streaming"];
