//! One call of a request: it goes to an executor, whose events come back.

use std::time::Duration;

use runmill_broker::{Answers, Envelope, Queue, RequestError, SharedBroker};
use runmill_front_door::Refusal;
use runmill_proto::{
    chat::{Delta, ModelAnswer},
    message::{CallEvent, ClientCall},
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until, timeout},
};

use super::course::{Course, Turn};
use crate::{
    front_door::{refused, settings::FrontDoorSettings},
    scaling::Starting,
};

/// Time beyond a call's deadline in which its executor may still tell how it ended.
const MARGIN: Duration = Duration::from_secs(30);

/// Event of a call.
#[derive(Debug)]
pub enum Step {
    Delta(Delta),
    /// The whole answer. Nothing follows.
    Answered(Box<ModelAnswer>),
    /// There is no answer. Nothing follows.
    Failed(Refusal),
    /// The answer cannot be continued. Nothing follows.
    Broken(&'static str),
}

/// Result of following a call.
enum Followed {
    End(Step),
    /// The call waits nowhere: the broker has deleted it with its queue.
    Forgotten,
}

/// Whereabouts of a call of which nothing is heard.
enum Place {
    /// An executor has it, or takes calls of its provider.
    Held,
    /// It waits in a queue from which no executor takes.
    Alone,
    /// The broker has deleted its queue, from which no executor took for a while.
    Gone,
    /// The broker cannot be asked.
    Unknown,
}

pub struct Call {
    /// Number of the answer among those of the request, from 0.
    pub choice: u32,
    pub message: ClientCall,
    /// Name of the provider, for the words of a refusal.
    pub provider: String,
    pub broker: SharedBroker,
    pub starting: Starting,
    pub settings: FrontDoorSettings,
}

impl Call {
    /// Makes the call and passes on its steps until its end, or until nobody takes them. Deltas that wait to be taken add up
    /// to one. A drop does not end the executor's work.
    pub async fn make(self, steps: mpsc::Sender<(u32, Step)>) {
        let _counts_as_work = self.starting.call(self.message.provider_id);
        let ends_at = Instant::now() + self.settings.call_timeout + MARGIN;
        let end = tokio::select! {
            end = self.send_until_taken(&steps) => end,
            () = sleep_until(ends_at) => Step::Failed(self.no_executor()),
        };
        let _nobody_waits = steps.send((self.choice, end)).await;
    }

    /// Sends the call, and sends it again for a while if no executor takes any of its provider. Returns its end.
    async fn send_until_taken(&self, steps: &mpsc::Sender<(u32, Step)>) -> Step {
        let mut hold = self.starting.hold();
        loop {
            match self.broker.request_stream(self.queue(), Envelope::new(&self.message)).await {
                Ok(mut answers) => match self.follow(&mut *answers, steps).await {
                    Followed::End(end) => return end,
                    Followed::Forgotten => {}
                },
                Err(RequestError::NobodyTakes(_)) => {}
                Err(error) => return Step::Failed(self.not_sent(&error)),
            }
            if !self.starting.calls_are_taken(self.message.provider_id, &mut hold).await {
                tracing::warn!(event = "front_door.no_executor", call_id = %self.message.id);
                return Step::Failed(self.no_executor());
            }
        }
    }

    /// Passes on deltas until the end of the call.
    async fn follow(&self, answers: &mut dyn Answers, steps: &mpsc::Sender<(u32, Step)>) -> Followed {
        let (mut course, mut waiting, mut is_delivered) = (Course::default(), Delta::default(), false);
        // Time of the last sign of an executor that takes calls.
        let mut seen_at = Instant::now();
        loop {
            let answer = tokio::select! {
                place = steps.reserve(), if !waiting.is_empty() => {
                    let Ok(place) = place else { return Followed::End(Step::Broken("its client is gone")) };
                    place.send((self.choice, Step::Delta(std::mem::take(&mut waiting))));
                    is_delivered = true;
                    continue;
                }
                answer = timeout(self.settings.look_every, answers.next()) => answer,
            };
            let Ok(answer) = answer else {
                match self.look(&course).await {
                    Place::Held => seen_at = Instant::now(),
                    Place::Gone if !is_delivered => return Followed::Forgotten,
                    Place::Alone if seen_at.elapsed() < self.starting.within() => {}
                    Place::Gone | Place::Alone => return Followed::End(Step::Failed(self.no_executor())),
                    Place::Unknown => {}
                }
                continue;
            };
            seen_at = Instant::now();
            let Some(answer) = answer else {
                return Followed::End(lost(is_delivered, "the connection to the broker broke"));
            };
            let event: CallEvent = match answer.decode() {
                Ok(event) => event,
                Err(error) => {
                    tracing::error!(event = "front_door.unreadable", call_id = %self.message.id, %error);
                    return Followed::End(lost(is_delivered, "an event could not be read"));
                }
            };
            match course.take(event, is_delivered) {
                Turn::Nothing => {}
                Turn::Anew => waiting = Delta::default(),
                Turn::Delta(delta) => waiting.append(delta),
                Turn::Answered(answer) => return Followed::End(Step::Answered(answer)),
                Turn::Failed(failure) => return Followed::End(Step::Failed(Refusal::from(&failure))),
                Turn::Broken(reason) => return Followed::End(Step::Broken(reason)),
            }
        }
    }

    /// Looks for the call, of which nothing was heard for a while. An executor that drains takes no calls, and may still make
    /// this one.
    async fn look(&self, course: &Course) -> Place {
        if let Some(executor) = course.executor()
            && self.starting.is_alive(executor).await
        {
            return Place::Held;
        }
        match self.broker.depth(self.queue()).await {
            Ok(Some(depth)) if depth.consumers > 0 => Place::Held,
            Ok(Some(_)) => Place::Alone,
            Ok(None) => Place::Gone,
            Err(_) => Place::Unknown,
        }
    }

    const fn queue(&self) -> Queue {
        Queue::Calls(self.message.provider_id)
    }

    fn no_executor(&self) -> Refusal {
        refused::no_executor(&self.provider)
    }

    fn not_sent(&self, error: &RequestError) -> Refusal {
        tracing::warn!(event = "front_door.not_sent", call_id = %self.message.id, %error);
        match error {
            RequestError::Publish(runmill_broker::PublishError::TooLarge { .. }) => {
                Refusal::new(413, format!("the request is too large: {error}"))
            }
            _ => self.no_executor(),
        }
    }
}

fn lost(is_delivered: bool, reason: &'static str) -> Step {
    if is_delivered { Step::Broken(reason) } else { Step::Failed(refused::lost(reason)) }
}
