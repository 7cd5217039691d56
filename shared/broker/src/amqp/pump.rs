use std::{collections::HashSet, sync::Arc};

use futures::{FutureExt, StreamExt, stream::FuturesUnordered};
use lapin::{
    Channel, Confirmation,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use tokio::{
    sync::{mpsc, oneshot},
    time,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    backoff,
    link::{Link, Up},
    publisher::Outgoing,
    topology::Topology,
    wire,
};
use crate::{BrokerError, PublishError};

/// Publishes that wait for their confirm at once. The broker confirms in bulk, so few in flight are slow
/// and more than these gain nothing; lapin's own queue of frames has no bound.
const IN_FLIGHT_MAX: usize = 1024;

/// The one task that publishes: it owns a channel in confirm mode, and makes a new one when that is lost.
///
/// One task, because lapin takes a confirm's number and queues the frames in two steps, which two threads
/// could interleave; and because it gives a returned message to whichever confirm comes next. The wire's order
/// is kept by looking at all confirms that are there before telling anyone: see [`tell`].
pub(super) struct Pump {
    link: Arc<Link>,
    topology: Arc<Topology>,
    outgoing: mpsc::Receiver<Outgoing>,
    closing: CancellationToken,
}

/// What became of one publish.
struct Outcome {
    id: Option<Uuid>,
    route: String,
    confirmed: lapin::Result<Confirmation>,
    done: oneshot::Sender<Result<(), PublishError>>,
}

impl Pump {
    pub fn new(
        link: Arc<Link>,
        topology: Arc<Topology>,
        outgoing: mpsc::Receiver<Outgoing>,
        closing: CancellationToken,
    ) -> Self {
        Self { link, topology, outgoing, closing }
    }

    pub async fn run(mut self) {
        let mut failures = 0;
        let closing = self.closing.clone();
        while let Some(opened) = closing.run_until_cancelled(self.open()).await {
            match opened {
                Ok((up, channel)) => {
                    failures = 0;
                    self.serve(&up, &channel).await;
                }
                Err(error) => {
                    failures += 1;
                    tracing::warn!(%error, failures, "no channel to publish on");
                    let delay = time::sleep(backoff::delay(failures, rand::random()));
                    let _closing = closing.run_until_cancelled(delay).await;
                }
            }
        }
    }

    async fn open(&self) -> Result<(Up, Channel), BrokerError> {
        let up = self.link.up().await?;
        let channel = up.channel().await?;
        self.topology.declare_exchanges(&up, &channel).await?;
        up.call("confirms", channel.confirm_select(ConfirmSelectOptions::default())).await?;
        Ok((up, channel))
    }

    /// Publishes until the channel is lost or the broker closed; then what is in flight is still waited for.
    async fn serve(&mut self, up: &Up, channel: &Channel) {
        let mut in_flight = FuturesUnordered::new();
        loop {
            tokio::select! {
                Some(first) = in_flight.next(), if !in_flight.is_empty() => {
                    let mut outcomes = vec![first];
                    while let Some(Some(next)) = in_flight.next().now_or_never() {
                        outcomes.push(next);
                    }
                    tell(outcomes, |error| up.explain("a message", error));
                }
                Some(next) = self.outgoing.recv(), if in_flight.len() < IN_FLIGHT_MAX => {
                    // Its publisher may have given up while the connection was down.
                    if !next.done.is_closed() {
                        in_flight.push(send(channel, next));
                    }
                }
                () = up.lost.cancelled() => return,
                () = self.closing.cancelled() => break,
            }
            if !channel.status().connected() {
                break;
            }
        }
        let rest = time::timeout(up.answer_timeout(), in_flight.collect());
        if let Some(Ok(outcomes)) = up.lost.run_until_cancelled(rest).await {
            tell(outcomes, |error| up.explain("a message", error));
        }
    }
}

async fn send(channel: &Channel, outgoing: Outgoing) -> Outcome {
    let Outgoing { route, properties, body, done } = outgoing;
    let id = wire::message_id(&properties);
    let name = if route.exchange.as_str().is_empty() {
        route.key.to_string()
    } else {
        format!("{} {}", route.exchange, route.key)
    };
    // Unroutable messages are confirmed like any other, so they must come back.
    let options = BasicPublishOptions { mandatory: true, ..Default::default() };
    let sent = channel.basic_publish(route.exchange, route.key, options, &body, properties);
    let confirmed = match sent.await {
        Ok(confirm) => confirm.await,
        Err(error) => Err(error),
    };
    Outcome { id, route: name, confirmed, done }
}

/// Tells each publisher what became of its message.
///
/// The broker returns a message before it confirms it, and lapin attaches what was returned to the first confirm
/// that it resolves afterwards, which may be another message's. That one is resolved before the message's own,
/// so both are among these outcomes: the returned id says whose it is.
fn tell(outcomes: Vec<Outcome>, explain: impl Fn(&lapin::Error) -> BrokerError) {
    let returned: HashSet<Uuid> =
        outcomes.iter().filter_map(|outcome| returned_id(&outcome.confirmed)).collect();
    for Outcome { id, route, confirmed, done } in outcomes {
        let told = match confirmed {
            Ok(_) if id.is_some_and(|id| returned.contains(&id)) => Err(PublishError::Unroutable(route)),
            Ok(Confirmation::Ack(_)) => Ok(()),
            Ok(Confirmation::Nack(_)) => Err(PublishError::Rejected),
            Ok(Confirmation::NotRequested) => unconfirmed(),
            Err(error) => Err(explain(&error).into()),
        };
        let _gave_up = done.send(told);
    }
}

fn returned_id(confirmed: &lapin::Result<Confirmation>) -> Option<Uuid> {
    match confirmed {
        Ok(Confirmation::Ack(Some(returned)) | Confirmation::Nack(Some(returned))) => {
            wire::message_id(&returned.properties)
        }
        _ => None,
    }
}

/// Looks like success and is none.
fn unconfirmed() -> Result<(), PublishError> {
    Err(BrokerError::Refused { what: "confirms".into(), reason: "the channel is not in confirm mode".into() }
        .into())
}

#[cfg(test)]
mod tests {
    use lapin::{
        BasicProperties,
        message::{BasicReturnMessage, Delivery},
    };

    use super::*;

    type Told = oneshot::Receiver<Result<(), PublishError>>;

    fn outcome(id: Uuid, confirmed: Confirmation) -> (Outcome, Told) {
        let (done, told) = oneshot::channel();
        (Outcome { id: Some(id), route: "jobs lane".into(), confirmed: Ok(confirmed), done }, told)
    }

    fn returned(id: Uuid) -> BasicReturnMessage {
        let mut delivery = Delivery::mock(0, "jobs".into(), "lane".into(), false, Vec::new());
        delivery.properties = BasicProperties::default().with_message_id(id.to_string().into());
        BasicReturnMessage { delivery, reply_code: 312, reply_text: "NO_ROUTE".into() }
    }

    fn tell_all<const N: usize>(outcomes: [(Outcome, Told); N]) -> [Result<(), PublishError>; N] {
        let (outcomes, told): (Vec<_>, Vec<_>) = outcomes.into_iter().unzip();
        tell(outcomes, |error| panic!("{error}"));
        let told: Vec<_> = told.into_iter().map(|mut told| told.try_recv().unwrap()).collect();
        told.try_into().unwrap()
    }

    #[test]
    fn a_returned_message_is_unroutable_whichever_confirm_it_came_with() {
        let (stored, lost) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let told = tell_all([
            outcome(lost, Confirmation::Ack(None)),
            outcome(stored, Confirmation::Ack(Some(returned(lost)))),
        ]);

        assert!(matches!(told, [Err(PublishError::Unroutable(_)), Ok(())]), "{told:?}");
    }

    #[test]
    fn only_an_ack_is_a_success() {
        let [nack, unasked] = tell_all([
            outcome(Uuid::from_u128(1), Confirmation::Nack(None)),
            outcome(Uuid::from_u128(2), Confirmation::NotRequested),
        ]);

        assert!(matches!(nack, Err(PublishError::Rejected)));
        assert!(matches!(unasked, Err(PublishError::Broker(BrokerError::Refused { .. }))));
    }
}
