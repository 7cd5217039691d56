mod body;
mod reading;

use http::{HeaderMap, header::CONTENT_TYPE};
use reqwest::Response;
use runmill_clock::Clock;
use runmill_proto::api::{ProviderKind, ProviderProtocol};

use self::{body::Body, reading::Reading};
use super::{Attempt, Context};
use crate::{
    ChatResponse, ModelError,
    protocol::{ErrorAnswer, Protocol, Unusable},
    redact::Redactor,
    retry_after::retry_after,
    transport::Transport,
};

/// One request and its answer: the only layer that knows of HTTP.
pub(crate) struct Exchange {
    pub protocol: Box<dyn Protocol>,
    /// Which protocol that is, and in whose way.
    pub speech: (ProviderProtocol, ProviderKind),
    pub transport: Transport,
    pub redactor: Redactor,
    pub clock: Clock,
}

impl Attempt for Exchange {
    /// The one door through which a provider's words come in; none passes it uncleaned.
    async fn attempt(&self, cx: Context<'_>) -> Result<ChatResponse, ModelError> {
        let answer = self.exchange(cx).await;
        answer.map_err(|error| error.map_message(|message| self.redactor.clean(message)))
    }
}

impl Exchange {
    /// Whether it asks the same server in the same way as the other.
    pub fn is_like(&self, other: &Self) -> bool {
        self.speech == other.speech && self.transport.reaches(&other.transport)
    }

    async fn exchange(&self, cx: Context<'_>) -> Result<ChatResponse, ModelError> {
        let wire = self.protocol.encode(cx.request, cx.form)?;
        let request_id = format!("{}:{}", cx.request.call_id, cx.number);
        cx.progress.send(cx.form.stream);
        let key = cx.key.expect("the wiring has chosen a key");
        let response = self.transport.send(wire, &key.headers, &request_id).await?;
        let status = response.status();
        let media = Media::of(response.headers());
        if !status.is_success() {
            cx.progress.answered(status.as_u16(), false);
            return Err(self.error(cx, response).await);
        }
        let mut body = Body::of(response);
        let mut streamed = cx.form.stream && media != Media::Json;
        cx.progress.answered(status.as_u16(), streamed);
        if streamed && body.begins_as_json().await? {
            streamed = false;
            cx.progress.answered(status.as_u16(), streamed);
        }
        if !streamed {
            let body = body.whole(cx.progress).await?;
            // What was counted was billed, whatever the answer is.
            return self.protocol.buffered(&body).map_err(|Unusable { error, usage }| {
                cx.progress.usage(usage);
                error
            });
        }
        if media == Media::Html {
            return Err(ModelError::Malformed { message: "a web page came instead of a stream".to_owned() });
        }
        Reading::new(self.protocol.decoder(), cx.progress).read(body).await
    }

    async fn error(&self, cx: Context<'_>, response: Response) -> ModelError {
        let status = response.status();
        if status.is_redirection() {
            let message = "a redirect; requests with a key do not follow one".to_owned();
            return ModelError::InvalidRequest { status: status.as_u16(), message };
        }
        let after = retry_after(response.headers(), self.clock.now());
        let should_retry = should_retry(response.headers());
        let body = body::error(response).await;
        let (status, form) = (status.as_u16(), cx.form);
        self.protocol.error(&ErrorAnswer { status, body: &body, form, after, should_retry })
    }
}

/// What the body claims to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Media {
    /// A buffered answer, also to a request for a stream.
    Json,
    /// What a proxy sends on behalf of a server that is not there.
    Html,
    /// A stream, by whatever name, or yet a buffered answer: not every server names them as it should.
    Other,
}

impl Media {
    fn of(headers: &HeaderMap) -> Self {
        let name = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let name = name.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match name.as_str() {
            "application/json" | "text/json" => Self::Json,
            name if name.ends_with("+json") => Self::Json,
            "text/html" => Self::Html,
            _ => Self::Other,
        }
    }
}

fn should_retry(headers: &HeaderMap) -> Option<bool> {
    headers.get("x-should-retry")?.to_str().ok()?.parse().ok()
}
