mod body;
mod stream_reader;
mod teller;

use http::{
    HeaderMap,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};
use reqwest::Response;
use runmill_clock::Clock;
use runmill_proto::{
    Fix,
    api::{ProviderKind, ProviderProtocol},
};

use self::{body::AnswerBody, stream_reader::StreamReader, teller::Teller};
use super::{Admitted, AttemptLayer, Context};
use crate::{
    ChatResponse, ModelError,
    protocol::{AnswerStream, ErrorAnswer, Form, Protocol, UnusableAnswer, WireRequest},
    rate_headers::RateHeaders,
    redact::Redactor,
    retry_after::retry_after,
    review::review,
    sse,
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
    /// Secrets are removed here from every text of the provider that becomes part of an answer or an error.
    async fn attempt(&self, cx: Context<'_>) -> Result<ChatResponse, ModelError> {
        let mut teller = Teller::of(cx, &self.redactor);
        let answer = self.exchange(cx, teller.as_mut()).await;
        let mut answer = answer.map_err(|error| self.clean(cx, error))?;
        if self.redactor.redact(&mut answer) {
            tracing::warn!(
                event = "model.answer_redacted",
                "the provider repeated a key or a header in its answer, where it was removed"
            );
        }
        teller.into_iter().for_each(Teller::finish);
        Ok(answer)
    }
}

impl Exchange {
    /// Returns true if both exchanges send to the same server, in the same protocol.
    pub fn is_like(&self, other: &Self) -> bool {
        self.api == other.api && self.transport.reaches(&other.transport)
    }

    /// Prepares an error for logs and records.
    fn clean(&self, cx: Context<'_>, error: ModelError) -> ModelError {
        let error = if cx.request.hides_words { error.without_words() } else { error };
        let hint = cx.tracker.state().status.and_then(|status| self.transport.hint(status));
        error.map_message(|message| {
            let message = self.redactor.clean(message);
            match hint {
                Some(hint) => format!("{message} ({hint})"),
                None => message,
            }
        })
    }

    async fn exchange(
        &self,
        cx: Context<'_>,
        teller: Option<&mut Teller<'_>>,
    ) -> Result<ChatResponse, ModelError> {
        // What was told of a text cannot be taken back.
        let keeps_thinking = cx.request.keep_thinking || teller.is_some();
        let answer = self.receive(cx, teller).await?;
        let metered = answer.metered();
        review(answer, cx.request, keeps_thinking, self.hides_limit())
            .inspect_err(|_| cx.tracker.usage(metered))
    }

    /// Returns true for protocols in which servers other than the vendor's are known to report that the model stopped
    /// when it reached the token limit.
    fn hides_limit(&self) -> bool {
        use ProviderProtocol::{AnthropicMessages, OpenaiResponses};
        matches!(self.api, (AnthropicMessages | OpenaiResponses, ProviderKind::Custom))
    }

    async fn receive(
        &self,
        cx: Context<'_>,
        teller: Option<&mut Teller<'_>>,
    ) -> Result<ChatResponse, ModelError> {
        let wire = self.encode(cx)?;
        let request_id = format!("{}:{}", cx.request.call_id, cx.number);
        cx.tracker.sent(cx.form.streams());
        let key = cx.key.expect("the wiring has chosen a key");
        let response = self.transport.send(wire, &key.headers, &request_id).await?;
        let status = response.status();
        let media = MediaType::of(response.headers());
        self.heed(cx, response.headers());
        if !status.is_success() {
            cx.tracker.answered(status.as_u16(), false);
            return Err(self.error(cx, response).await);
        }
        if let Some(encoding) = unknown_encoding(response.headers()) {
            return Err(ModelError::Malformed { message: encoding });
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
            let answer = self.buffered(body).map_err(|UnusableAnswer { error, usage }| {
                cx.tracker.usage(*usage);
                error
            })?;
            if let Some(teller) = teller {
                teller.keep_whole(&answer);
            }
            return Ok(answer);
        }
        if media == MediaType::Html {
            return Err(ModelError::Malformed {
                message: "it is a web page, not a stream; check the base URL".to_owned(),
            });
        }
        StreamReader::new(self.protocol.decoder(), cx.tracker).read(body, teller).await
    }

    /// Tells the lane what is left of the provider's limits.
    fn heed(&self, cx: Context<'_>, headers: &HeaderMap) {
        let Some(Admitted { lane, tokens }) = cx.admitted else { return };
        let left = RateHeaders::of(headers, self.clock.now());
        if left != RateHeaders::default() {
            lane.heed(left.calls, left.tokens.map(|left| (left, tokens)));
        }
    }

    /// Reads a whole body: a buffered answer, or the events that some servers send in its place.
    fn buffered(&self, body: Vec<u8>) -> Result<ChatResponse, UnusableAnswer> {
        if !sse::begins_as_events(&body) {
            return self.protocol.buffered(&body);
        }
        let mut stream = AnswerStream::new(self.protocol.decoder());
        let answer = stream.push(body.into()).and_then(|answer| answer.map_or_else(|| stream.end(), Ok));
        answer.map_err(|error| UnusableAnswer { error, usage: stream.usage().into() })
    }

    async fn error(&self, cx: Context<'_>, response: Response) -> ModelError {
        let status = response.status();
        if status.is_redirection() {
            let message = "the server redirects, which is not followed; check the base URL".to_owned();
            return ModelError::InvalidRequest { status: status.as_u16(), message };
        }
        let after = retry_after(response.headers(), self.clock.now());
        let should_retry = should_retry(response.headers());
        let body = match unknown_encoding(response.headers()) {
            Some(encoding) => encoding.into_bytes(),
            None => body::error(response).await,
        };
        let event = sse::first_data(&body);
        let body = event.as_deref().map_or(&body[..], str::as_bytes);
        let (status, form) = (status.as_u16(), cx.form);
        let answer = ErrorAnswer { status, body, form, fixable: true, after, should_retry };
        self.read_error(cx, answer)
    }

    fn read_error(&self, cx: Context<'_>, answer: ErrorAnswer<'_>) -> ModelError {
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

/// Returns an error's message if the body has a content encoding that the HTTP client cannot decode. The client removes
/// the header where it decodes.
fn unknown_encoding(headers: &HeaderMap) -> Option<String> {
    let encoding = headers.get(CONTENT_ENCODING)?.to_str().unwrap_or_default().trim();
    let is_none = encoding.is_empty() || encoding.eq_ignore_ascii_case("identity");
    (!is_none).then(|| format!("its content encoding `{encoding}` was not asked for and is not known"))
}

fn should_retry(headers: &HeaderMap) -> Option<bool> {
    headers.get("x-should-retry")?.to_str().ok()?.parse().ok()
}
