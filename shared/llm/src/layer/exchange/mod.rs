mod body;
mod stream_reader;

use http::{HeaderMap, header::CONTENT_TYPE};
use reqwest::Response;
use runmill_clock::Clock;
use runmill_proto::{
    Fix,
    api::{ProviderKind, ProviderProtocol},
};

use self::{body::AnswerBody, stream_reader::StreamReader};
use super::{AttemptLayer, Context};
use crate::{
    ChatResponse, ModelError,
    protocol::{ErrorAnswer, Form, Protocol, UnusableAnswer, WireRequest},
    redact::Redactor,
    retry_after::retry_after,
    transport::Transport,
};

/// Sends one request and reads its answer. The only layer that knows of HTTP.
pub(crate) struct Exchange {
    pub protocol: Box<dyn Protocol>,
    /// Protocol and kind of the provider, by which exchanges are compared.
    pub api: (ProviderProtocol, ProviderKind),
    pub transport: Transport,
    pub redactor: Redactor,
    pub clock: Clock,
}

impl AttemptLayer for Exchange {
    /// Secrets are removed here from every text of the provider that becomes part of an error.
    async fn attempt(&self, cx: Context<'_>) -> Result<ChatResponse, ModelError> {
        let answer = self.exchange(cx).await;
        answer.map_err(|error| error.map_message(|message| self.redactor.clean(message)))
    }
}

impl Exchange {
    /// Returns true if both exchanges send to the same server, in the same protocol.
    pub fn is_like(&self, other: &Self) -> bool {
        self.api == other.api && self.transport.reaches(&other.transport)
    }

    async fn exchange(&self, cx: Context<'_>) -> Result<ChatResponse, ModelError> {
        let wire = self.encode(cx)?;
        let request_id = format!("{}:{}", cx.request.call_id, cx.number);
        cx.tracker.sent(cx.form.streams());
        let key = cx.key.expect("the wiring has chosen a key");
        let response = self.transport.send(wire, &key.headers, &request_id).await?;
        let status = response.status();
        let media = MediaType::of(response.headers());
        if !status.is_success() {
            cx.tracker.answered(status.as_u16(), false);
            return Err(self.error(cx, response).await);
        }
        let mut body = AnswerBody::of(response);
        let mut streamed = cx.form.streams() && media != MediaType::Json;
        cx.tracker.answered(status.as_u16(), streamed);
        if streamed && body.begins_as_json().await? {
            streamed = false;
            cx.tracker.answered(status.as_u16(), streamed);
        }
        if !streamed {
            let body = body.whole(cx.tracker).await?;
            // Tokens are recorded even if the answer cannot be used, because they were billed.
            return self.protocol.buffered(&body).map_err(|UnusableAnswer { error, usage }| {
                cx.tracker.usage(usage);
                error
            });
        }
        if media == MediaType::Html {
            return Err(ModelError::Malformed {
                message: "it is a web page, not a stream; check the base URL".to_owned(),
            });
        }
        StreamReader::new(self.protocol.decoder(), cx.tracker).read(body).await
    }

    async fn error(&self, cx: Context<'_>, response: Response) -> ModelError {
        let status = response.status();
        if status.is_redirection() {
            let message = "the server redirects, which is not followed; check the base URL".to_owned();
            return ModelError::InvalidRequest { status: status.as_u16(), message };
        }
        let after = retry_after(response.headers(), self.clock.now());
        let should_retry = should_retry(response.headers());
        let body = body::error(response).await;
        let (status, form) = (status.as_u16(), cx.form);
        let answer = ErrorAnswer { status, body: &body, form, fixable: true, after, should_retry };
        let error = self.protocol.error(&answer);
        let ModelError::Rejected { form, message } = error else { return error };
        let form = self.narrowed(cx, form);
        if form == cx.form {
            return self.protocol.error(&ErrorAnswer { fixable: false, ..answer });
        }
        ModelError::Rejected { form, message }
    }

    fn encode(&self, cx: Context<'_>) -> Result<WireRequest, ModelError> {
        self.protocol.encode(&cx.request.in_form(cx.form), cx.form)
    }

    /// Returns `form` with only those of its new changes that have an effect on this request.
    fn narrowed(&self, cx: Context<'_>, form: Form) -> Form {
        let refused = self.encode(cx);
        let has_effect = |fix: &Fix| self.encode(Context { form: cx.form.with(*fix), ..cx }) != refused;
        form.beyond(cx.form).fixes().filter(has_effect).fold(cx.form, Form::with)
    }
}

/// Kind of content that the head of an answer announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MediaType {
    /// A buffered answer, even if a stream was requested.
    Json,
    /// A web page, as proxies send when the server behind them does not answer.
    Html,
    /// A stream or a buffered answer: not every server announces them correctly.
    Other,
}

impl MediaType {
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
