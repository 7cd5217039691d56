use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures::Stream;

/// A stream that is pending once after each item, however much there is to read.
///
/// The parser of multipart bodies takes all that is ready before it returns anything: without this, a client that is quicker
/// than the database would fill the memory.
pub struct Paced<S> {
    inner: S,
    rests: bool,
}

impl<S> Paced<S> {
    pub const fn new(inner: S) -> Self {
        Self { inner, rests: false }
    }
}

impl<S: Stream + Unpin> Stream for Paced<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        if std::mem::take(&mut self.rests) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let polled = Pin::new(&mut self.inner).poll_next(cx);
        self.rests = matches!(polled, Poll::Ready(Some(_)));
        polled
    }
}
