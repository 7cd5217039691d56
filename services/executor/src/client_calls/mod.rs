//! One call of a client of the front door, from delivery to ack: take, make, answer, record, ack.
//!
//! The answer goes back to the dispatcher as it arrives ([`events`]), its parts added up for a moment, and longer while the
//! broker is busy ([`deltas`]). A call that cannot be made now is held until its deadline ([`make`]). It ends early when its
//! client no longer waits ([`in_hand`]). Its record goes to the log-sinks after its last event, and is confirmed before the
//! ack.

mod deltas;
mod events;
mod in_hand;
mod make;
mod obstacle;
mod pass;
mod record;

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use runmill_broker::{Delivery, Envelope};
use runmill_proto::{
    ErrorKind,
    message::{CallFailure, CallProgress, ClientCall, Control, Invocation},
};
use runmill_telemetry::trace;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use self::{
    events::{Events, Told},
    in_hand::{CallsInHand, Claimed, InHand},
    make::{End, Made},
};
use crate::{
    ack,
    environment::{Environment, RunState},
    exchange::Fleet,
    invocation,
    logs::LogPublisher,
    metrics::ExecutorMetrics,
    open_files::OpenFiles,
    output_tokens::OutputTokens,
};

/// Time in which a dispatcher cancels a call that comes again and that it does not know.
const RECALLED_WITHIN: Duration = Duration::from_millis(300);

/// Makes the calls of clients.
pub struct ClientCalls {
    /// Name of this executor.
    name: String,
    environment: Arc<Environment>,
    logs: LogPublisher,
    metrics: ExecutorMetrics,
    fleet: Arc<Fleet>,
    in_hand: Arc<CallsInHand>,
    open_files: OpenFiles,
    output_tokens: OutputTokens,
}

/// A call that is being made.
struct Making<'a> {
    call: &'a ClientCall,
    events: &'a Events<'a>,
    in_hand: &'a InHand,
    /// Ends a call whose first request was not made, for another executor.
    stop: &'a CancellationToken,
}

impl Making<'_> {
    /// Returns true if the call may not go on here.
    fn must_end(&self) -> bool {
        self.stop.is_cancelled() || self.in_hand.hang_up.at_once.is_cancelled()
    }
}

/// Way in which the work on a call ends. A record is published first.
enum Ending {
    /// The client has its last event, or no longer waits.
    Done(Option<Box<Invocation>>),
    /// Another executor makes the call.
    HandBack(Option<Box<Invocation>>),
}

impl ClientCalls {
    pub fn new(
        name: String,
        environment: Arc<Environment>,
        logs: LogPublisher,
        metrics: ExecutorMetrics,
        fleet: Arc<Fleet>,
    ) -> Self {
        Self {
            name,
            environment,
            logs,
            metrics,
            fleet,
            in_hand: Arc::default(),
            open_files: OpenFiles::default(),
            output_tokens: OutputTokens::default(),
        }
    }

    /// Ends the call of a client that no longer waits.
    pub fn hear(&self, control: &Control) {
        if let Control::CallCanceled { call_id } = control {
            self.in_hand.cancel(*call_id);
        }
    }

    /// Makes the call of a delivery and settles the delivery. After `stop`, no call starts.
    pub async fn work(&self, delivery: Delivery, stop: CancellationToken) {
        let call: ClientCall = match delivery.message.decode() {
            Ok(call) => call,
            Err(error) => return ack::dead_letter(delivery, &error).await,
        };
        let span = tracing::info_span!("client_call", call_id = %call.id, run_id = %call.run_id);
        trace::continue_from(&span, delivery.message.traceparent.as_deref());
        self.metrics.client_calls_in_hand.inc();
        self.claim(&call, delivery, &stop).instrument(span).await;
        self.metrics.client_calls_in_hand.dec();
    }

    async fn claim(&self, call: &ClientCall, delivery: Delivery, stop: &CancellationToken) {
        let at_once = self.environment.run_tokens(call.run_id).at_once.child_token();
        match self.in_hand.claim(call.id, delivery, at_once) {
            Claimed::New(in_hand) => self.execute(call, in_hand, stop).await,
            Claimed::Canceled(delivery) => ack::ack(delivery).await,
            Claimed::Kept => {}
        }
    }

    async fn execute(&self, call: &ClientCall, in_hand: InHand, stop: &CancellationToken) {
        let events = Events::new(&self.name, call.id, &in_hand);
        let making = Making { call, events: &events, in_hand: &in_hand, stop };
        let ending = self.survive(&making).await;
        let (record, hand_back) = match ending {
            Ending::Done(record) => (record, false),
            Ending::HandBack(record) => (record, true),
        };
        if let Some(record) = record
            && !self.record(*record).await
        {
            // It stays unacked, so that another executor finds out if the client still waits.
            return;
        }
        for delivery in in_hand.end() {
            if hand_back {
                self.metrics.client_calls_handed_back.inc();
                ack::requeue(delivery).await;
            } else {
                ack::ack(delivery).await;
            }
        }
    }

    /// Makes the call, and turns a panic into its end.
    async fn survive(&self, making: &Making<'_>) -> Ending {
        if let Ok(ending) = AssertUnwindSafe(self.process(making)).catch_unwind().await {
            return ending;
        }
        let message = "an executor failed over this call: its log says why (event `process.panicked`)".into();
        let failure = obstacle::failure(ErrorKind::Poisoned, message);
        self.end(making, Made::without_call(End::Failed(failure))).await
    }

    async fn process(&self, making: &Making<'_>) -> Ending {
        if making.stop.is_cancelled() {
            return Ending::HandBack(None);
        }
        if self.environment.clock.now() >= making.call.deadline {
            let message = "the call waited until its deadline and no executor was free to make it".into();
            let failure = obstacle::failure(ErrorKind::DeadlinePassed, message);
            return self.end(making, Made::without_call(End::Failed(failure))).await;
        }
        if making.in_hand.delivery.delivery_count > 0 {
            // Its client may have gone meanwhile, or have its answer.
            if making.events.send(CallProgress::Taken).await != Told::Yes || self.is_recalled(making).await {
                return Ending::Done(None);
            }
            let made = self.make(making).await;
            return self.end(making, made).await;
        }
        // A client waits for a call that is new, so the model is asked before the broker has confirmed the event. If nobody
        // waits after all, the event ends the call.
        let (_told, made) = tokio::join!(making.events.send(CallProgress::Taken), self.make(making));
        self.end(making, made).await
    }

    /// Returns true if a call that comes again must not be made again, because its client has its answer or has gone. The
    /// broker may know only that the dispatcher lives, which then cancels a call that it does not know.
    async fn is_recalled(&self, making: &Making<'_>) -> bool {
        let recalled = making.in_hand.hang_up.at_once.cancelled();
        let _made_again = timeout(RECALLED_WITHIN, recalled).await;
        making.in_hand.hang_up.is_client_gone()
    }

    /// Sends the last event, and returns the record.
    async fn end(&self, making: &Making<'_>, made: Made) -> Ending {
        let Made { invoked, left_out, end } = made;
        let end = match end {
            End::Interrupted => self.interrupted(making),
            end => end,
        };
        let record_of = |end: &End| self.record_of(making.call, invoked.as_ref(), &left_out, end);
        let record = record_of(&end);
        let last = match end {
            End::Answered(response) => CallProgress::Answered(Box::new((*response).into())),
            End::Failed(failure) => CallProgress::Failed(failure),
            End::HungUp => return Ending::Done(record),
            End::Interrupted => return Ending::HandBack(record),
        };
        Ending::Done(match making.events.send(last).await {
            Told::Yes => record,
            Told::NotAwaited => record.filter(|record| !record.call.attempts.is_empty()),
            Told::TooLarge(failure) => record_of(&End::Failed(failure)),
        })
    }

    /// Returns the end of a call that was interrupted. It stays so if another executor can make the call.
    fn interrupted(&self, making: &Making<'_>) -> End {
        if making.in_hand.hang_up.is_client_gone() {
            return End::HungUp;
        }
        if self.environment.run_state(making.call.run_id) == RunState::Canceled {
            return End::Failed(obstacle::run_canceled());
        }
        if making.events.has_begun() {
            let message = "the executor that made the call had to stop".into();
            return End::Failed(CallFailure {
                retry_after_ms: Some(1_000),
                ..obstacle::failure(ErrorKind::Interrupted, message)
            });
        }
        End::Interrupted
    }

    /// Publishes a record until the broker has confirmed it. Returns false if the process has to end before that. A record
    /// that is too large loses its answer, which the client has.
    async fn record(&self, record: Invocation) -> bool {
        self.metrics.client_calls.with_label_values(&[record.outcome.as_str()]).inc();
        let run_id = record.run_id;
        let refused = match self.logs.publish_until_confirmed(run_id, Envelope::new(&record)).await {
            Ok(confirmed) => return confirmed,
            Err(refused) => refused,
        };
        tracing::error!(event = "executor.log_too_large", error = %refused, "the answer is dropped, and its call kept");
        let Some(smaller) = invocation::without_answer(record, &refused) else { return true };
        match self.logs.publish_until_confirmed(run_id, Envelope::new(&smaller)).await {
            Ok(confirmed) => confirmed,
            Err(error) => {
                tracing::error!(event = "executor.record_lost", %error);
                true
            }
        }
    }
}
