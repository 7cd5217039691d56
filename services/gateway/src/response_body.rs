//! The body of a response. It also ends the call's record, because it lives until the response is sent.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use crate::{
    behaviour::Pace,
    paced::{PacedStream, RenderedStream},
    record::OpenCall,
};

/// The bytes of a response, sent at once or at a pace.
#[derive(Debug)]
pub(crate) struct ResponseBody {
    source: Source,
    /// The call and the status to record for it. If the caller hangs up, it is dropped with the body.
    call: Option<(OpenCall, u16)>,
}

#[derive(Debug)]
enum Source {
    /// Bytes whose length goes into the header `content-length`.
    Whole(Bytes),
    /// A whole stream in one chunk.
    Burst(Bytes),
    Paced(Box<PacedStream>),
    /// Some bytes, and then a broken connection.
    Broken(Bytes),
    /// The bytes were passed to hyper, and the connection is not broken yet.
    Breaking,
    BreakingOff,
    Ended,
}

/// Makes hyper break the connection, as the model's name asks.
#[derive(Debug, thiserror::Error)]
#[error("the answer breaks off here, as the model's name asks")]
pub(crate) struct BreakOff;

impl ResponseBody {
    /// Returns a body that belongs to no recorded call.
    pub fn plain(bytes: impl Into<Bytes>) -> Self {
        Self { source: Source::Whole(bytes.into()), call: None }
    }

    pub fn whole(bytes: impl Into<Bytes>, call: OpenCall, status: u16) -> Self {
        Self { source: Source::Whole(bytes.into()), call: Some((call, status)) }
    }

    pub fn broken(bytes: impl Into<Bytes>, call: OpenCall, status: u16) -> Self {
        Self { source: Source::Broken(bytes.into()), call: Some((call, status)) }
    }

    /// Returns a body that sends each piece of `stream` at the time that `pace` has for its token.
    pub fn stream(stream: RenderedStream, pace: Pace, call: OpenCall, status: u16) -> Self {
        let source = if pace.is_immediate() {
            Source::Burst(stream.bytes.into())
        } else {
            Source::Paced(Box::new(PacedStream::new(stream, pace, call.arrival().since)))
        };
        Self { source, call: Some((call, status)) }
    }

    fn end(&mut self) {
        self.source = Source::Ended;
        if let Some((call, status)) = self.call.take() {
            call.end(status);
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BreakOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BreakOff>>> {
        let this = &mut *self;
        let bytes = match &mut this.source {
            Source::Whole(bytes) | Source::Burst(bytes) => {
                let bytes = std::mem::take(bytes);
                this.end();
                bytes
            }
            Source::Paced(paced) => {
                let bytes = ready!(paced.poll(cx));
                if paced.is_over() {
                    this.end();
                }
                bytes
            }
            Source::Broken(bytes) => {
                let bytes = std::mem::take(bytes);
                this.source = Source::Breaking;
                bytes
            }
            // When a body fails, hyper drops the bytes that it has not written yet. Returning `Pending` once lets it
            // write them first.
            Source::Breaking => {
                this.source = Source::BreakingOff;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Source::BreakingOff => {
                this.end();
                return Poll::Ready(Some(Err(BreakOff)));
            }
            Source::Ended => return Poll::Ready(None),
        };
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.source, Source::Ended)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            _ => SizeHint::default(),
        }
    }
}
