//! The reply to a client: buffered or streamed, with signs of life while the client waits.

use std::{io, time::Duration};

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{Stream, stream};
use runmill_front_door::{Refusal, ReplyHead, ReplyOptions, ReplyStream, write};
use runmill_proto::chat::ModelAnswer;
use tokio::{sync::mpsc, time::timeout};

use super::{joins::Reached, progress::Progress, refused, settings::FrontDoorSettings};

/// A reply that waits for its answers.
pub struct Reply {
    pub progress: mpsc::Receiver<Progress>,
    pub options: ReplyOptions,
    pub head: ReplyHead,
    /// Number of answers.
    pub n: u32,
    pub reached: Reached,
    pub settings: FrontDoorSettings,
}

/// Reason why a reply ends without its answer.
enum End {
    Refused(Refusal),
    Broken(&'static str),
}

/// Words for a flight that is gone.
const GONE: &str = "the server is stopping";

impl Reply {
    /// Returns the whole reply. If it takes long, its status and spaces go ahead, which every client of JSON ignores; an
    /// error that comes later cuts the connection, because a complete body would be read as an answer.
    pub async fn buffered(self) -> Result<Response, Refusal> {
        let (wait, sign_every, reached) =
            (self.settings.status_after, self.settings.sign_every, self.reached);
        let mut answers = Answers::new(self.progress, self.n);
        let (options, head) = (self.options, self.head);
        if let Ok(done) = timeout(wait, answers.whole()).await {
            let body = write(&options, &head, &done.map_err(End::refusal)?);
            return Ok(json(Body::from(body.to_string())));
        }
        reached.note();
        let parts = stream::unfold(Some((answers, options, head)), move |waiting| async move {
            let (mut answers, options, head) = waiting?;
            match timeout(sign_every, answers.whole()).await {
                Err(_) => Some((Ok(Bytes::from_static(b" ")), Some((answers, options, head)))),
                Ok(Ok(answers)) => Some((Ok(write(&options, &head, &answers).to_string().into()), None)),
                Ok(Err(end)) => Some((Err(end.cut()), None)),
            }
        });
        Ok(json(Body::from_stream(with_first_space(parts))))
    }

    /// Returns the reply as events. An error that comes early is a status of its own.
    pub async fn streamed(mut self) -> Result<Response, Refusal> {
        let first = match timeout(self.settings.stream_after, self.progress.recv()).await {
            Ok(Some(Progress::Failed(refusal))) => return Err(refusal),
            Ok(Some(Progress::Broken(reason))) => return Err(refused::lost(reason)),
            Ok(None) => return Err(refused::lost(GONE)),
            Ok(first) => first,
            Err(_waits_long) => None,
        };
        self.reached.note();
        let mut events = Events {
            writer: ReplyStream::new(self.options, self.head),
            progress: self.progress,
            left: self.n,
            sign_every: self.settings.sign_every,
        };
        let mut begin = events.writer.start();
        let mut is_open = true;
        if let Some(part) = first {
            is_open = events.write(part, &mut begin).is_ok_and(|goes_on| goes_on);
        } else {
            begin.extend_from_slice(ReplyStream::comment());
        }
        let rest = stream::unfold(is_open.then_some(events), |events| async move { events?.next().await });
        let body = stream::iter([Ok(Bytes::from(begin))]);
        Ok(event_stream(Body::from_stream(futures::StreamExt::chain(body, rest))))
    }
}

/// Answers of a buffered reply.
struct Answers {
    progress: mpsc::Receiver<Progress>,
    answers: Vec<Option<ModelAnswer>>,
}

impl Answers {
    fn new(progress: mpsc::Receiver<Progress>, n: u32) -> Self {
        Self { progress, answers: vec![None; n as usize] }
    }

    /// Waits for all answers. Cancel safe.
    async fn whole(&mut self) -> Result<Vec<ModelAnswer>, End> {
        while self.answers.iter().any(Option::is_none) {
            match self.progress.recv().await {
                Some(Progress::Answered(choice, answer)) => {
                    if let Some(place) = self.answers.get_mut(choice as usize) {
                        *place = Some(*answer);
                    }
                }
                Some(Progress::Delta(..)) => {}
                Some(Progress::Failed(refusal)) => return Err(End::Refused(refusal)),
                Some(Progress::Broken(reason)) => return Err(End::Broken(reason)),
                None => return Err(End::Broken(GONE)),
            }
        }
        Ok(self.answers.drain(..).flatten().collect())
    }
}

impl End {
    fn refusal(self) -> Refusal {
        match self {
            Self::Refused(refusal) => refusal,
            Self::Broken(reason) => refused::lost(reason),
        }
    }

    /// Returns the error by which the connection is cut.
    fn cut(self) -> io::Error {
        let reason = self.refusal().message;
        tracing::info!(event = "front_door.cut", reason, "a reply that had begun has no end");
        io::Error::other(reason)
    }
}

/// Events of a streamed reply.
struct Events {
    writer: ReplyStream,
    progress: mpsc::Receiver<Progress>,
    /// Number of answers that have not ended.
    left: u32,
    sign_every: Duration,
}

type Part = io::Result<Bytes>;

impl Events {
    async fn next(mut self) -> Option<(Part, Option<Self>)> {
        loop {
            let mut bytes = Vec::new();
            let part = match timeout(self.sign_every, self.progress.recv()).await {
                Err(_) => return Some((Ok(Bytes::from_static(ReplyStream::comment())), Some(self))),
                Ok(part) => part.unwrap_or(Progress::Broken(GONE)),
            };
            match self.write(part, &mut bytes) {
                Ok(true) if bytes.is_empty() => {}
                Ok(goes_on) => return Some((Ok(bytes.into()), goes_on.then_some(self))),
                Err(end) => return Some((Err(end.cut()), None)),
            }
        }
    }

    /// Appends the events of a part. Returns false after the last one.
    fn write(&mut self, part: Progress, bytes: &mut Vec<u8>) -> Result<bool, End> {
        match part {
            Progress::Delta(choice, delta) => bytes.extend(self.writer.delta(choice, &delta)),
            Progress::Answered(choice, answer) => {
                bytes.extend(self.writer.end(choice, &answer));
                self.left = self.left.saturating_sub(1);
                if self.left == 0 {
                    bytes.extend(self.writer.finish());
                }
            }
            Progress::Failed(refusal) => {
                bytes.extend(self.writer.fail(&refusal));
                return Ok(false);
            }
            Progress::Broken(reason) => return Err(End::Broken(reason)),
        }
        Ok(self.left > 0)
    }
}

/// The first sign of life goes out with the status.
fn with_first_space(parts: impl Stream<Item = Part>) -> impl Stream<Item = Part> {
    futures::StreamExt::chain(stream::iter([Ok(Bytes::from_static(b" "))]), parts)
}

fn json(body: Body) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn event_stream(body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        // Proxies must not collect events.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, body).into_response()
}
