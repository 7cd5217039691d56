//! A request in flight: the calls of all its answers, and the client that waits for them.

mod call;
mod course;

use std::collections::VecDeque;

use runmill_broker::SharedBroker;
use runmill_proto::message::{ClientCall, Control};
use tokio::{sync::mpsc, task::JoinSet, time::timeout};
use tracing::Instrument as _;
use uuid::Uuid;

use self::call::{Call, Step};
use super::{bounds::Seats, joins::Boarding, progress::Progress, settings::FrontDoorSettings};
use crate::{announcer::Announcer, scaling::Starting};

/// Number of steps that wait for the client, beyond which deltas add up.
const STEPS_MAX: usize = 16;

/// Calls of a request that were not made yet.
pub struct Flight {
    pub calls: Vec<ClientCall>,
    /// Name of the provider.
    pub provider: String,
    pub broker: SharedBroker,
    pub announcer: Announcer,
    pub starting: Starting,
    pub settings: FrontDoorSettings,
    pub seats: Seats,
    /// Way by which a retry of the request gets on. `None` if its client marks no retries.
    pub boarding: Option<Boarding>,
}

impl Flight {
    /// Makes the calls in a task of their own, which tells the client, and ends them if it goes.
    pub fn start(self, client: mpsc::Sender<Progress>) {
        tokio::spawn(Making::begin(self).run(client).in_current_span());
    }
}

struct Making {
    /// Ids of the calls, each until it ends.
    open: Vec<Option<Uuid>>,
    /// Parts that wait for the client.
    waiting: VecDeque<Progress>,
    steps: mpsc::Receiver<(u32, Step)>,
    boarding: Option<Boarding>,
    announcer: Announcer,
    settings: FrontDoorSettings,
    /// Tasks of the calls, which end with this.
    _tasks: JoinSet<()>,
    _seats: Seats,
}

impl Making {
    fn begin(flight: Flight) -> Self {
        let Flight { calls, provider, broker, announcer, starting, settings, seats, boarding } = flight;
        let (sender, steps) = mpsc::channel(STEPS_MAX);
        let open = calls.iter().map(|call| Some(call.id)).collect();
        let mut tasks = JoinSet::new();
        for (choice, message) in (0..).zip(calls) {
            let (provider, broker, starting) = (provider.clone(), broker.clone(), starting.clone());
            let call = Call { choice, message, provider, broker, starting, settings };
            tasks.spawn(call.make(sender.clone()));
        }
        Self {
            open,
            waiting: VecDeque::new(),
            steps,
            boarding,
            announcer,
            settings,
            _tasks: tasks,
            _seats: seats,
        }
    }

    async fn run(mut self, mut client: mpsc::Sender<Progress>) {
        while !self.is_done() {
            let has_left = tokio::select! {
                place = client.clone().reserve_owned(), if !self.waiting.is_empty() => match place {
                    Ok(place) => {
                        // A retry would miss what is passed on here.
                        self.boarding = None;
                        if let Some(part) = self.waiting.pop_front() {
                            place.send(part);
                        }
                        false
                    }
                    Err(_) => true,
                },
                step = self.steps.recv(), if self.waiting.is_empty() => {
                    self.take(step).await;
                    false
                }
                () = client.closed() => true,
                next = next_client(&mut self.boarding) => {
                    client = next;
                    false
                }
            };
            if has_left {
                match self.retried().await {
                    Some(next) => client = next,
                    None => return self.cancel().await,
                }
            }
        }
    }

    fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.open.iter().all(Option::is_none)
    }

    async fn take(&mut self, step: Option<(u32, Step)>) {
        let Some((choice, step)) = step else {
            // A task of a call ends without its last step only if it panics.
            self.cancel().await;
            return self.waiting.push_back(Progress::Broken("a fault of runmill"));
        };
        if !matches!(step, Step::Delta(_) | Step::Broken(_)) {
            self.close(choice);
        }
        let part = match step {
            Step::Delta(delta) => Progress::Delta(choice, delta),
            Step::Answered(answer) => Progress::Answered(choice, answer),
            Step::Failed(refusal) => Progress::Failed(refusal),
            Step::Broken(reason) => Progress::Broken(reason),
        };
        if matches!(part, Progress::Failed(_) | Progress::Broken(_)) {
            self.cancel().await;
        }
        self.waiting.push_back(part);
    }

    fn close(&mut self, choice: u32) {
        if let Some(call) = self.open.get_mut(choice as usize) {
            *call = None;
        }
    }

    /// Tells executors to end the calls that are still open.
    async fn cancel(&mut self) {
        for call_id in self.open.iter_mut().filter_map(Option::take) {
            self.announcer.announce(Control::CallCanceled { call_id }).await;
        }
        self.steps.close();
    }

    /// Returns the client that retries the request, of which nothing has reached a client. If the one before gave up at its own
    /// time-out, waits for it.
    async fn retried(&mut self) -> Option<mpsc::Sender<Progress>> {
        let boarding = self.boarding.as_mut()?;
        if boarding.expects_a_retry()
            && let Ok(Some(next)) = timeout(self.settings.retry_within, boarding.next()).await
        {
            return Some(next);
        }
        boarding.joined_or_closed()
    }
}

/// Waits for a client that retries the request. If there can be none, waits for ever.
async fn next_client(boarding: &mut Option<Boarding>) -> mpsc::Sender<Progress> {
    if let Some(open) = boarding
        && let Some(next) = open.next().await
    {
        return next;
    }
    std::future::pending().await
}
