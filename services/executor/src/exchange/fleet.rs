use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use runmill_broker::Delivery;
use runmill_proto::{
    api::ExecutorRun,
    message::{Job, JobKey},
};
use runmill_store::{Exchanged, Talk};
use tokio::{
    sync::{Notify, oneshot, watch},
    time::Instant,
};

use super::{
    Feeding, Verdict,
    core::Core,
    memory::{Claim, Ended, Held, Phase},
};

/// Age of the last exchange after which this executor starts no call without asking. The others count it as dead
/// a second later, and may have its jobs then.
const STALE_AFTER: Duration = Duration::from_secs(4);

/// This executor as one of several: its jobs in hand, and the exchange of questions about possible copies of them.
pub struct Fleet {
    state: Mutex<State>,
    /// Notified when the next exchange should not wait for its time.
    pub urgent: Notify,
    /// Notified when a job is no longer in hand.
    ended: Notify,
    /// Number of open questions.
    asking: watch::Sender<usize>,
}

struct State {
    core: Core<Delivery>,
    /// Jobs that wait for the verdict on a question.
    waiting: HashMap<u64, oneshot::Sender<Verdict>>,
    exchanged: Option<Times>,
    /// True if the newest exchange failed.
    has_missed: bool,
    /// True if this process gave up a log that was not confirmed.
    left_behind: bool,
}

/// Begin and end of an exchange.
#[derive(Clone, Copy)]
pub struct Times {
    pub began: Instant,
    pub ended: Instant,
}

/// Result of [`Fleet::claim`].
pub enum Claimed {
    New(InHand),
    /// The delivery is settled by acking this one.
    Superfluous(Delivery),
    /// The delivery is to be claimed again after [`Fleet::wait_for_end`].
    Ending(Delivery),
}

/// A job in hand. Dropped before [`InHand::end`], it is out of hand, and its delivery stays unacked.
pub struct InHand {
    fleet: Arc<Fleet>,
    feeding: Feeding,
    is_held: bool,
}

/// An open question. Dropped, it is withdrawn.
struct OpenQuestion<'a> {
    fleet: &'a Fleet,
    number: u64,
}

impl Fleet {
    pub fn new(name: String) -> Arc<Self> {
        let state = State {
            core: Core::new(name),
            waiting: HashMap::new(),
            exchanged: None,
            has_missed: false,
            left_behind: false,
        };
        Arc::new(Self {
            state: Mutex::new(state),
            urgent: Notify::new(),
            ended: Notify::new(),
            asking: watch::Sender::new(0),
        })
    }

    pub fn claim(self: &Arc<Self>, feeding: Feeding, delivery: Delivery) -> Claimed {
        match self.lock().core.memory.claim(feeding, delivery, Instant::now()) {
            Claim::New => Claimed::New(InHand { fleet: self.clone(), feeding, is_held: true }),
            Claim::Replaced(delivery) | Claim::Stale(delivery) => Claimed::Superfluous(delivery),
            Claim::Ending(delivery) => Claimed::Ending(delivery),
        }
    }

    /// Waits until the job is not in hand.
    pub async fn wait_for_end(&self, key: &JobKey) {
        loop {
            let mut ended = std::pin::pin!(self.ended.notified());
            // The notification is enabled before the look, so that an end in between is not missed.
            ended.as_mut().enable();
            if !self.lock().core.memory.is_in_hand(key) {
                return;
            }
            ended.await;
        }
    }

    /// Returns true if the job may be a copy of one that another executor has or had: then it must not be called
    /// before [`ask`](Self::ask).
    pub fn is_possible_copy(&self, job: &Job, delivery_count: u32) -> bool {
        let mut state = self.lock();
        let old_term = state.core.is_of_old_term(job.term);
        delivery_count > 0
            || job.possible_copy
            || old_term
            || state.is_stale()
            || state.core.memory.was_asked(&job.key(), Instant::now())
    }

    /// Returns false if the last exchange is so long ago that the others may have the jobs of this executor.
    pub fn is_fresh(&self) -> bool {
        !self.lock().is_stale()
    }

    /// Asks the others about a job in hand. Cancel safe.
    pub async fn ask(&self, feeding: Feeding) -> Verdict {
        let (sender, verdict) = oneshot::channel();
        let question = {
            let mut state = self.lock();
            let number = state.core.ask(feeding);
            state.waiting.insert(number, sender);
            self.asking.send_modify(|asking| *asking += 1);
            OpenQuestion { fleet: self, number }
        };
        self.urgent.notify_one();
        let verdict = verdict.await.expect("a question is open until its verdict");
        drop(question);
        verdict
    }

    pub fn runs(&self) -> Vec<ExecutorRun> {
        self.lock().core.memory.runs()
    }

    /// Returns the number of jobs that wait for a verdict.
    pub fn asking(&self) -> watch::Receiver<usize> {
        self.asking.subscribe()
    }

    pub fn is_asking(&self) -> bool {
        self.lock().core.is_asking()
    }

    /// Notes that a log is given up, so that its job is known to nobody but the broker.
    pub fn leave_behind(&self) {
        self.lock().left_behind = true;
    }

    /// Returns true if nothing is in hand, and nothing was given up.
    pub fn is_settled(&self) -> bool {
        let state = self.lock();
        !state.left_behind && state.core.memory.is_empty()
    }

    /// Returns the messages for the next heartbeat.
    pub fn talk(&self) -> Talk {
        self.lock().core.talk(Instant::now())
    }

    /// Applies the answer of the store to a heartbeat.
    pub fn hear(&self, exchanged: &Exchanged, times: Times) {
        let mut state = self.lock();
        // The time of an outage is nobody's silence.
        let before = state.exchanged.filter(|_| !std::mem::take(&mut state.has_missed));
        let gap = before.map_or(Duration::ZERO, |before| times.began - before.ended);
        state.exchanged = Some(times);
        let heard = state.core.hear(exchanged, gap, times.ended - times.began);
        for (number, verdict) in heard.verdicts {
            if let Some(waiting) = state.waiting.remove(&number) {
                // A job that no longer waits has withdrawn its question.
                let _ = waiting.send(verdict);
            }
        }
        drop(state);
        if heard.owes_answers {
            self.urgent.notify_one();
        }
    }

    /// Notes that an exchange failed.
    pub fn missed(&self) {
        let mut state = self.lock();
        state.has_missed = true;
        state.core.missed();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_stale(&self) -> bool {
        self.exchanged.is_none_or(|times| times.began.elapsed() >= STALE_AFTER)
    }
}

impl InHand {
    /// Marks the job: its deferral is about to be published, so that a later feeding may come at any time.
    pub fn deferring(&self) {
        self.fleet.lock().core.memory.set_phase(&self.feeding.key, Phase::Deferring);
    }

    /// Takes the job out of hand. Returns its newest delivery.
    ///
    /// * `ended` — end of the job whose log is confirmed, if there is one.
    pub fn end(mut self, ended: Option<Ended>) -> Option<Delivery> {
        self.take(ended).map(|held| held.delivery)
    }

    /// Takes a job out of hand that was dropped as a copy. Returns its newest delivery, which may be of a later feeding
    /// that nobody has looked at.
    pub fn drop_copy(mut self) -> Option<Held<Delivery>> {
        self.take(None)
    }

    fn take(&mut self, ended: Option<Ended>) -> Option<Held<Delivery>> {
        if !std::mem::take(&mut self.is_held) {
            return None;
        }
        let delivery = self.fleet.lock().core.memory.end(&self.feeding.key, ended, Instant::now());
        self.fleet.ended.notify_waiters();
        delivery
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.take(None);
    }
}

impl Drop for OpenQuestion<'_> {
    fn drop(&mut self) {
        let mut state = self.fleet.lock();
        state.core.withdraw(self.number);
        state.waiting.remove(&self.number);
        self.fleet.asking.send_modify(|asking| *asking -= 1);
    }
}
