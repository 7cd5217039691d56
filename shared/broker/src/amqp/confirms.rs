use std::collections::HashMap;

use lapin::Confirmation;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{size_limit::SizeLimit, wire};
use crate::{BrokerError, PublishError};

/// The outcome of one publish, and the sender to report it to.
pub(super) struct Outcome {
    pub id: Option<Uuid>,
    /// Size of the message's body in bytes.
    pub size: u64,
    /// Exchange and routing key, for error messages.
    pub route: String,
    pub confirmed: lapin::Result<Confirmation>,
    pub done: oneshot::Sender<Result<(), PublishError>>,
}

/// Messages that the broker has returned (`basic.return`) and not yet confirmed.
///
/// The broker returns an unroutable message before it confirms it. lapin attaches a returned message to the first
/// confirm that it resolves afterwards, which often belongs to another message. If that pairing were trusted, a lost
/// message would count as stored. But that confirm is always resolved before the lost message's own. So if all
/// resolved outcomes are examined together, every return is known in time, and its message id names the message to
/// which it belongs.
#[derive(Default)]
pub(super) struct Returns {
    /// Number of returns by message id. A message may be published again while its confirm is still on its way.
    pending: HashMap<Uuid, u32>,
    /// Limit of the connection. A refusal closes the channel, so it is the error of all messages in flight, and only
    /// their sizes tell which of them caused it.
    limit: SizeLimit,
}

impl Returns {
    pub fn new(limit: SizeLimit) -> Self {
        Self { pending: HashMap::new(), limit }
    }

    pub fn limit(&self) -> SizeLimit {
        self.limit
    }

    /// Reports the outcome of each publish to its publisher.
    ///
    /// * `outcomes` — all outcomes that are resolved by now, in any order.
    /// * `lost` — the error of a message whose channel was lost while it was in flight.
    pub fn report(&mut self, outcomes: Vec<Outcome>, lost: impl Fn(&lapin::Error) -> BrokerError) {
        for id in outcomes.iter().filter_map(|outcome| returned_id(&outcome.confirmed)) {
            *self.pending.entry(id).or_default() += 1;
        }
        for error in outcomes.iter().filter_map(|outcome| outcome.confirmed.as_ref().err()) {
            self.limit.learn(error);
        }
        for Outcome { id, size, route, confirmed, done } in outcomes {
            let result = match confirmed {
                Ok(_) if id.is_some_and(|id| self.take(id)) => Err(PublishError::Unroutable(route)),
                Ok(Confirmation::Ack(_)) => Ok(()),
                Ok(Confirmation::Nack(_)) => Err(PublishError::Rejected),
                Ok(Confirmation::NotRequested) => Err(unconfirmed().into()),
                Err(error) => match self.limit.exceeded_by(size) {
                    Some(max) => Err(PublishError::TooLarge { size, max }),
                    None => Err(lost(&error).into()),
                },
            };
            let _gave_up = done.send(result);
        }
    }

    fn take(&mut self, id: Uuid) -> bool {
        let Some(times) = self.pending.get_mut(&id) else { return false };
        *times -= 1;
        if *times == 0 {
            self.pending.remove(&id);
        }
        true
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

/// Returns the error for a publish without a confirm, which must not count as a success.
fn unconfirmed() -> BrokerError {
    BrokerError::Refused { what: "confirms".into(), reason: "the channel is not in confirm mode".into() }
}

#[cfg(test)]
mod tests {
    use lapin::{
        BasicProperties,
        message::{BasicReturnMessage, Delivery},
    };

    use super::*;

    type Told = oneshot::Receiver<Result<(), PublishError>>;

    const STORED: Uuid = Uuid::from_u128(1);
    const LOST: Uuid = Uuid::from_u128(2);

    fn outcome(id: Uuid, confirmed: Confirmation) -> (Outcome, Told) {
        let (done, told) = oneshot::channel();
        (Outcome { id: Some(id), size: 4, route: "jobs lane".into(), confirmed: Ok(confirmed), done }, told)
    }

    fn returned(id: Uuid) -> BasicReturnMessage {
        let mut delivery = Delivery::mock(0, "jobs".into(), "lane".into(), false, Vec::new());
        delivery.properties = BasicProperties::default().with_message_id(id.to_string().into());
        BasicReturnMessage { delivery, reply_code: 312, reply_text: "NO_ROUTE".into() }
    }

    fn tell<const N: usize>(
        returns: &mut Returns,
        outcomes: [(Outcome, Told); N],
    ) -> [Result<(), PublishError>; N] {
        let (outcomes, told): (Vec<_>, Vec<_>) = outcomes.into_iter().unzip();
        returns.report(outcomes, |error| panic!("{error}"));
        let told: Vec<_> = told.into_iter().map(|mut told| told.try_recv().unwrap()).collect();
        told.try_into().unwrap()
    }

    #[test]
    fn a_returned_message_is_unroutable_whichever_confirm_it_came_with() {
        let told = tell(
            &mut Returns::default(),
            [
                outcome(LOST, Confirmation::Ack(None)),
                outcome(STORED, Confirmation::Ack(Some(returned(LOST)))),
            ],
        );

        assert!(matches!(told, [Err(PublishError::Unroutable(_)), Ok(())]), "{told:?}");
    }

    #[test]
    fn a_return_is_remembered_until_its_own_confirm() {
        let mut returns = Returns::default();

        let [stored] = tell(&mut returns, [outcome(STORED, Confirmation::Ack(Some(returned(LOST))))]);
        let [lost] = tell(&mut returns, [outcome(LOST, Confirmation::Ack(None))]);
        let [again] = tell(&mut returns, [outcome(LOST, Confirmation::Ack(None))]);

        assert!(stored.is_ok() && again.is_ok());
        assert!(matches!(lost, Err(PublishError::Unroutable(_))));
        assert!(returns.pending.is_empty());
    }

    #[test]
    fn only_an_ack_is_a_success() {
        let [nack, unasked] = tell(
            &mut Returns::default(),
            [outcome(STORED, Confirmation::Nack(None)), outcome(STORED, Confirmation::NotRequested)],
        );

        assert!(matches!(nack, Err(PublishError::Rejected)));
        assert!(matches!(unasked, Err(PublishError::Broker(BrokerError::Refused { .. }))));
    }
}
