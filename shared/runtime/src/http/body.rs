//! The two bodies of an exchange: that of a request, which must come in time, and that of a response, with whose end the
//! exchange ends.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{BoxError, body::Bytes};
use hyper::body::{Body, Frame, SizeHint};

use super::{
    pace::Pace,
    room::{Visit, Wait},
};

/// Error of a request's body that came too slowly.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the body came too slowly, so reading it was given up; send it again without pauses")]
pub struct BodyTooSlow;

pub struct PacedBody<B> {
    inner: B,
    pace: Pace,
    visit: Arc<Visit>,
}

impl<B> PacedBody<B> {
    pub const fn new(inner: B, pace: Pace, visit: Arc<Visit>) -> Self {
        Self { inner, pace, visit }
    }
}

impl<B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin> Body for PacedBody<B> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(context) else {
            self.visit.waits(Wait::Body, self.pace.waited());
            ready!(self.pace.poll_too_slow(context));
            return Poll::Ready(Some(Err(BodyTooSlow.into())));
        };
        self.visit.waits_no_longer(Wait::Body);
        let size = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref().map(Bytes::len));
        self.pace.moved(size.unwrap_or(0));
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B> Drop for PacedBody<B> {
    fn drop(&mut self) {
        self.visit.waits_no_longer(Wait::Body);
    }
}

/// Body of a response. When it is dropped, the next head is awaited.
pub struct LastPart<B> {
    inner: B,
    visit: Arc<Visit>,
}

impl<B> LastPart<B> {
    pub const fn new(inner: B, visit: Arc<Visit>) -> Self {
        Self { inner, visit }
    }
}

impl<B: Body + Unpin> Body for LastPart<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.inner).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B> Drop for LastPart<B> {
    fn drop(&mut self) {
        self.visit.waits(Wait::Head, Duration::ZERO);
    }
}
