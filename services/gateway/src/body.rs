//! The body of a response, which also knows when its call ends.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use crate::{
    behaviour::Pace,
    paced::{Paced, Script},
    record::OpenCall,
};

/// A response's bytes, sent at once or at a pace.
#[derive(Debug)]
pub(crate) struct Body {
    source: Source,
    /// With the status to record. Dropped with the body if the caller hangs up first.
    call: Option<(OpenCall, u16)>,
}

#[derive(Debug)]
enum Source {
    /// Its length goes into the head.
    Whole(Bytes),
    /// All of a stream in one chunk.
    Burst(Bytes),
    Paced(Box<Paced>),
    /// Some bytes, then a broken connection.
    Broken(Bytes),
    /// The bytes are on their way, and the connection is still whole.
    Breaking,
    BreakingOff,
    Ended,
}

/// The connection is broken off on purpose.
#[derive(Debug, thiserror::Error)]
#[error("the answer is to break off here")]
pub(crate) struct BreakOff;

impl Body {
    /// Of no call: nothing is recorded.
    pub fn plain(bytes: impl Into<Bytes>) -> Self {
        Self { source: Source::Whole(bytes.into()), call: None }
    }

    pub fn whole(bytes: impl Into<Bytes>, call: OpenCall, status: u16) -> Self {
        Self { source: Source::Whole(bytes.into()), call: Some((call, status)) }
    }

    pub fn broken(bytes: impl Into<Bytes>, call: OpenCall, status: u16) -> Self {
        Self { source: Source::Broken(bytes.into()), call: Some((call, status)) }
    }

    /// A stream of the script, each piece when the pace has reached its token.
    pub fn stream(script: Script, pace: Pace, call: OpenCall, status: u16) -> Self {
        let source = if pace.is_immediate() {
            Source::Burst(script.bytes.into())
        } else {
            Source::Paced(Box::new(Paced::new(script, pace, call.arrival().since)))
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

impl HttpBody for Body {
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
            // hyper drops what it has not yet written when a body fails: let it write first.
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
