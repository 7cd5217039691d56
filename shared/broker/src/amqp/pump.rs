use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures::{Stream, StreamExt, stream::FuturesUnordered};
use lapin::{
    Channel,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use tokio::{sync::mpsc, time};
use tokio_util::sync::CancellationToken;

use super::{
    backoff,
    confirms::{Outcome, Returns},
    faults::Faults,
    link::{Link, Up},
    publisher::Outgoing,
    size_limit::{self, SizeLimit},
    topology::Topology,
    wire,
};
use crate::{BrokerError, PublishError};

/// Maximum number of messages that wait for their confirms. The broker confirms in bulk, so a small number is slow,
/// and a larger one gains nothing. lapin's own queue of frames has no bound.
const IN_FLIGHT_MAX: usize = 1024;

/// The one task that publishes. It owns a channel in confirm mode, and opens a new one when that is lost.
///
/// There is one task because lapin takes a confirm's number and queues the frames in two steps, which two threads could
/// interleave, and because it attaches a returned message to whichever confirm comes next: see [`Returns`].
pub(super) struct Pump {
    link: Arc<Link>,
    topology: Arc<Topology>,
    outgoing: mpsc::Receiver<Outgoing>,
    faults: Arc<Faults>,
    closing: CancellationToken,
}

impl Pump {
    pub fn new(
        link: Arc<Link>,
        topology: Arc<Topology>,
        outgoing: mpsc::Receiver<Outgoing>,
        faults: Arc<Faults>,
        closing: CancellationToken,
    ) -> Self {
        Self { link, topology, outgoing, faults, closing }
    }

    pub async fn run(mut self) {
        let mut failures = 0;
        let mut limit = SizeLimit::default();
        let mut connection = None;
        let closing = self.closing.clone();
        while let Some(opened) = closing.run_until_cancelled(self.open()).await {
            failures = opened.as_ref().map_or(failures + 1, |_| 0);
            self.faults.note_attempt("publishing", failures, &opened);
            if let Ok((up, channel)) = opened {
                // Another connection may lead to a broker with another limit.
                if connection.replace(up.id()) != Some(up.id()) {
                    limit = SizeLimit::default();
                }
                limit = self.serve(&up, &channel, limit).await;
            } else {
                let delay = time::sleep(backoff::delay(failures, rand::random()));
                let _closing = closing.run_until_cancelled(delay).await;
            }
        }
    }

    async fn open(&self) -> Result<(Up, Channel), BrokerError> {
        let up = self.link.up().await?;
        let mut channel = up.channel().await?;
        self.topology.declare_exchanges(&up, &mut channel).await?;
        up.call("confirms", channel.confirm_select(ConfirmSelectOptions::default())).await?;
        Ok((up, channel))
    }

    /// Publishes until the channel is lost or the broker closed, and then waits for the confirms in flight. Returns the
    /// largest size that the broker takes, as far as it is known then.
    async fn serve(&mut self, up: &Up, channel: &Channel, limit: SizeLimit) -> SizeLimit {
        let mut in_flight = FuturesUnordered::new();
        let mut returns = Returns::new(limit);
        let lost = |error: &lapin::Error| match size_limit::refused_above(error) {
            // Another message closed the channel, so this one may be published again.
            Some(_) => up.lost_channel(error),
            None => up.explain("a message", error),
        };
        loop {
            tokio::select! {
                Some(first) = in_flight.next(), if !in_flight.is_empty() => {
                    let mut outcomes = vec![first];
                    take_ready(&mut in_flight, &mut outcomes);
                    returns.report(outcomes, lost);
                }
                Some(next) = self.outgoing.recv(), if in_flight.len() < IN_FLIGHT_MAX => {
                    if let Some(next) = admit(next, returns.limit()) {
                        in_flight.push(send(channel, next));
                    }
                }
                () = up.lost.cancelled() => return returns.limit(),
                () = self.closing.cancelled() => break,
            }
            if !channel.status().connected() {
                break;
            }
        }
        let rest = time::timeout(up.answer_timeout(), in_flight.collect());
        if let Some(Ok(outcomes)) = up.lost.run_until_cancelled(rest).await {
            returns.report(outcomes, lost);
        }
        returns.limit()
    }
}

/// Returns the message if it should be sent: its publisher still waits, and the broker would not refuse its size.
fn admit(next: Outgoing, limit: SizeLimit) -> Option<Outgoing> {
    let size = next.body.len() as u64;
    match limit.exceeded_by(size) {
        Some(max) => {
            let _gave_up = next.done.send(Err(PublishError::TooLarge { size, max }));
            None
        }
        None => Some(next).filter(|next| !next.done.is_closed()),
    }
}

/// Takes all items that are ready, as [`Returns`] needs it. To let other tasks run, `stream` is sometimes pending
/// although more items are ready. It then wakes its caller at once, and is polled again here.
fn take_ready<S: Stream + Unpin>(stream: &mut S, taken: &mut Vec<S::Item>) {
    struct Woken(AtomicBool);
    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    let woken = Arc::new(Woken(AtomicBool::new(true)));
    let waker = Waker::from(woken.clone());
    let mut context = Context::from_waker(&waker);
    while woken.0.swap(false, Ordering::SeqCst) {
        while let Poll::Ready(Some(next)) = stream.poll_next_unpin(&mut context) {
            taken.push(next);
        }
    }
}

async fn send(channel: &Channel, outgoing: Outgoing) -> Outcome {
    let Outgoing { route, properties, body, done } = outgoing;
    let id = wire::message_id(&properties);
    let size = body.len() as u64;
    let name = if route.exchange.as_str().is_empty() {
        route.key.to_string()
    } else {
        format!("{} {}", route.exchange, route.key)
    };
    // The broker confirms unroutable messages like any other, so it must also return them, to distinguish them.
    let options = BasicPublishOptions { mandatory: true, ..Default::default() };
    let sent = channel.basic_publish(route.exchange, route.key, options, &body, properties);
    let confirmed = match sent.await {
        Ok(confirm) => confirm.await,
        Err(error) => Err(error),
    };
    Outcome { id, size, route: name, confirmed, done }
}
