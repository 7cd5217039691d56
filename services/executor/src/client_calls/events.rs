use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use runmill_broker::{Delivery, Envelope, PublishError};
use runmill_proto::{
    ErrorKind,
    message::{CallEvent, CallFailure, CallProgress},
};
use runmill_telemetry::trace;
use tokio::{
    sync::Mutex,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;
use tracing::Span;
use uuid::Uuid;

use super::{
    in_hand::{HangUp, InHand},
    obstacle,
};

/// Interval of the signs of life before the answer begins.
const SIGN_EVERY: Duration = Duration::from_secs(15);
/// Time after which an event that the broker does not take is given up, and with it the call.
const SENT_WITHIN: Duration = Duration::from_secs(30);
/// Wait before such an event is sent again.
const PAUSE: Duration = Duration::from_millis(200);

/// Sends the events of one call to the dispatcher, one after the other. When nobody waits for them any more, the call is
/// ended.
pub(super) struct Events<'a> {
    /// Name of the executor, with a mark of this work on the call: it may come here again, and begins anew then.
    executor: String,
    call_id: Uuid,
    delivery: &'a Delivery,
    hang_up: &'a HangUp,
    /// It is locked while an event is sent, so that they keep their order.
    sent: Mutex<Sent>,
    begun: AtomicBool,
}

struct Sent {
    /// Number of the next event.
    seq: u32,
    last: Instant,
    /// Failure that was sent in place of an event that was too large. It ended the call.
    too_large: Option<CallFailure>,
}

/// Fate of an event.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Told {
    /// The dispatcher has it.
    Yes,
    /// Nobody waits for it.
    NotAwaited,
    /// It is larger than the broker's largest message. The dispatcher has this failure in its place, as the last event.
    TooLarge(CallFailure),
}

impl<'a> Events<'a> {
    pub fn new(executor: &str, call_id: Uuid, in_hand: &'a InHand) -> Self {
        Self {
            executor: format!("{executor}#{}", Uuid::now_v7().simple()),
            call_id,
            delivery: &in_hand.delivery,
            hang_up: &in_hand.hang_up,
            sent: Mutex::new(Sent { seq: 0, last: Instant::now(), too_large: None }),
            begun: AtomicBool::new(false),
        }
    }

    /// Returns true if a part of the answer may have reached the client.
    pub fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }

    /// Sends an event. One that is too large becomes the failure of the call, after which nothing is sent. An event whose
    /// confirm was lost may arrive twice, with one number. Not cancel safe: the event may be lost, and its number with it.
    pub async fn send(&self, what: CallProgress) -> Told {
        let mut sent = self.sent.lock().await;
        if self.hang_up.is_client_gone() {
            return Told::NotAwaited;
        }
        if let Some(failure) = &sent.too_large {
            return Told::TooLarge(failure.clone());
        }
        if matches!(what, CallProgress::Delta(_)) {
            self.begun.store(true, Ordering::Relaxed);
        }
        match self.reply(&mut sent, what).await {
            Ok(true) => return Told::Yes,
            Ok(false) => {}
            Err(too_large) => {
                let failure = obstacle::failure(ErrorKind::AnswerTooLarge, too_large.to_string());
                // It was not sent, so its number is free.
                sent.seq -= 1;
                sent.too_large = Some(failure.clone());
                if matches!(self.reply(&mut sent, CallProgress::Failed(failure.clone())).await, Ok(true)) {
                    return Told::TooLarge(failure);
                }
            }
        }
        self.hang_up.client_gone();
        Told::NotAwaited
    }

    /// Sends the next event. Returns false if nobody waits for it, or the broker does not take it, and an error if it is
    /// too large.
    async fn reply(&self, sent: &mut Sent, what: CallProgress) -> Result<bool, PublishError> {
        let event = CallEvent { call_id: self.call_id, executor: self.executor.clone(), seq: sent.seq, what };
        let traceparent = trace::context_of(&Span::current());
        let event = Envelope { traceparent, ..Envelope::new(&event) };
        (sent.seq, sent.last) = (sent.seq + 1, Instant::now());
        let until = Instant::now() + SENT_WITHIN;
        loop {
            let error = match self.delivery.reply(event.clone()).await {
                Ok(waits) => return Ok(waits),
                Err(error) => error,
            };
            let (too_large, given_up) =
                (matches!(error, PublishError::TooLarge { .. }), Instant::now() >= until);
            tracing::warn!(event = "executor.event_not_sent", %error, given_up = too_large || given_up);
            if too_large {
                return Err(error);
            }
            if given_up {
                return Ok(false);
            }
            sleep(PAUSE).await;
        }
    }

    /// Sends signs of life until `ended`, as long as the answer has not begun.
    pub async fn show_life(&self, ended: &CancellationToken) {
        while ended.run_until_cancelled(sleep(SIGN_EVERY)).await.is_some() {
            self.sign().await;
        }
    }

    /// Sends a sign of life if none was sent for a while. It also finds out if the client's dispatcher is gone.
    pub async fn sign(&self) {
        let is_due = self.sent.lock().await.last.elapsed() >= SIGN_EVERY;
        if is_due && !self.has_begun() {
            self.send(CallProgress::Taken).await;
        }
    }
}
