mod detail;

use detail::Detail;

use crate::{
    Fix, ModelError,
    protocol::{ErrorAnswer, Form, delay, status::ErrorHead},
};

/// Reads an answer whose status is no success. What the provider says of itself decides first, its status last.
pub(in crate::protocol) fn read(answer: &ErrorAnswer<'_>) -> ModelError {
    let detail = Detail::read(answer.body);
    if let Some(fix) = fix(answer.status, answer.form, &detail) {
        return ModelError::Rejected { fix, message: detail.message };
    }
    classify(ErrorHead { after: detail.delay.or(answer.after), ..ErrorHead::of(answer) }, detail)
}

/// Reads the error in a stream or answer that began with status 200. Its status is what its code says, else
/// what goes with its name, else 500: whatever it is, it came after the request was accepted.
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
        // The delay beside it is a minute's at most, and a day's quota is not back by then.
        Some(Topic::Quota) => ModelError::QuotaExhausted { message, after: None },
        Some(Topic::Context) => ModelError::ContextLength { message },
        Some(Topic::Policy) => ModelError::ContentPolicy { message },
        Some(Topic::Canceled) => ModelError::ServerError { status, message, after },
        None => head.error(message),
    }
}

/// What an error is about, where its status alone does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Topic {
    Key,
    Quota,
    Context,
    Policy,
    /// On the provider's side: nobody here has canceled what still waits for its answer.
    Canceled,
}

impl Detail {
    fn topic(&self, status: u16) -> Option<Topic> {
        match status {
            // A bad key is a bad argument here.
            400 if self.reason == "API_KEY_INVALID" || self.says(KEY) => Some(Topic::Key),
            400 if self.says(CONTEXT) => Some(Topic::Context),
            400 if self.says(POLICY) => Some(Topic::Policy),
            429 if self.per_day || self.says(QUOTA) => Some(Topic::Quota),
            499 => Some(Topic::Canceled),
            _ => None,
        }
    }
}

/// The key, or the account behind it, is not let in: by what it is, or by where the call comes from.
const KEY: &[&str] = &[
    "api key not valid",
    "api key expired",
    "api key not found",
    "user location is not supported",
    "free tier is not available",
];

const CONTEXT: &[&str] = &["exceeds the maximum number of tokens allowed"];

/// In the words of Vertex AI. The Gemini API itself answers with an empty answer and a reason.
const POLICY: &[&str] = &["responsible ai practices"];

/// Money is gone; or the limit is zero (the model is not part of the plan), and no waiting will change it. That
/// the "current quota" is exceeded says nothing: so begins the message of every limit, of a minute's, too.
const QUOTA: &[&str] =
    &["prepayment credits are depleted", "monthly spending cap", "limit: 0,", "limit: 0\n"];

/// Whether another form of the request may be accepted, and which.
fn fix(status: u16, form: Form, detail: &Detail) -> Option<Fix> {
    let no_stream = match status {
        405 | 501 => true,
        // Not in Google's words: it is the path that is not there.
        404 if detail.status.is_empty() => true,
        // A model without the method that streams, and log probabilities, which no stream has.
        400 | 404 => detail.says(STREAM) && detail.says(&["not supported", "unsupported", "not enabled"]),
        _ => false,
    };
    (form.stream && no_stream).then_some(Fix::Buffer)
}

/// How a refusal names streams. The word alone is in names of media types, too.
const STREAM: &[&str] = &["streamgeneratecontent", "streaming"];
