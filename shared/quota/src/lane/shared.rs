use std::{
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use runmill_proto::lease::Signals;
use tokio::{
    sync::{Notify, oneshot, watch},
    time::{Instant, timeout_at},
};

use super::{
    Admission, Closed, Outcome, Remaining, TokenCount,
    cooling::{Cooling, DELAY_MAX},
};
use crate::{
    Class,
    gate::{self, Gatekeeper, Need},
};

/// State that a lane shares with its admissions.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// Held by the one waiting attempt that keeps the time for all.
    timekeeper: tokio::sync::Mutex<()>,
    /// Notified when something may start earlier than the timekeeper knows.
    earlier: Notify,
    pub pressed: Arc<Notify>,
    pub startable: watch::Sender<u32>,
}

#[derive(Debug)]
pub(super) struct State {
    pub gate: Gatekeeper<oneshot::Sender<Admission>>,
    pub cooling: Cooling,
    pub signals: Signals,
    pub tokens: TokenCount,
    /// True if the provider states no concurrency, so that the fleet finds it by what is refused.
    pub adapts: bool,
    closed: bool,
    /// Time for which the timekeeper waits.
    next: Option<Instant>,
    pressed_at: Option<Instant>,
}

/// Place of an attempt in the queue. Dropping it leaves the queue.
pub(super) struct Place<'a> {
    shared: &'a Arc<Shared>,
    place: gate::Place,
}

/// Shortest time between two notices of attempts that wait.
const PRESSED_EVERY: Duration = Duration::from_millis(250);

impl Shared {
    pub fn new(pressed: Arc<Notify>) -> Self {
        let state = State {
            gate: Gatekeeper::new(),
            cooling: Cooling::default(),
            signals: Signals::default(),
            tokens: TokenCount::default(),
            adapts: false,
            closed: false,
            next: None,
            pressed_at: None,
        };
        Self {
            state: Mutex::new(state),
            timekeeper: tokio::sync::Mutex::default(),
            earlier: Notify::new(),
            pressed,
            startable: watch::Sender::new(0),
        }
    }

    /// Starts an attempt, if it may start now.
    pub fn start(self: &Arc<Self>, model: &str, need: &Need) -> Result<Option<Admission>, Closed> {
        let (mut state, now) = (self.lock(), Instant::now());
        if state.closed {
            return Err(Closed);
        }
        let model = state.gate.start(model, need, now);
        Ok(model.map(|model| state.admit(self, model, need, now)))
    }

    /// Returns false if nothing may start now: there is no lease, or there is a cooldown.
    pub fn is_open(&self) -> bool {
        self.read(|state, now| state.gate.is_alive(now) && state.gate.cooldown(now).is_none())
    }

    pub fn read<R>(&self, read: impl FnOnce(&mut State, Instant) -> R) -> R {
        read(&mut self.lock(), Instant::now())
    }

    /// Changes the state, and starts the attempts that may start then.
    pub fn update<R>(self: &Arc<Self>, change: impl FnOnce(&mut State, Instant) -> R) -> R {
        let (mut state, now) = (self.lock(), Instant::now());
        let changed = change(&mut state, now);
        let before = state.next;
        let unclaimed = self.dispatch(&mut state, now);
        if state.next.is_some_and(|next| before.is_none_or(|before| next < before)) {
            self.earlier.notify_one();
        }
        drop(state);
        // Their end needs the lock.
        drop(unclaimed);
        changed
    }

    /// Starts the waiting attempts whose time has come, again and again. Only one waiting attempt does so at a time;
    /// when it is admitted or dropped, the next one takes over.
    pub async fn keep_time(self: &Arc<Self>) -> Infallible {
        let _timekeeper = self.timekeeper.lock().await;
        loop {
            let earlier = self.earlier.notified();
            let (next, unclaimed) = {
                let mut state = self.lock();
                let unclaimed = self.dispatch(&mut state, Instant::now());
                (state.next, unclaimed)
            };
            drop(unclaimed);
            match next {
                // Either end of the wait has the same effect.
                Some(next) => drop(timeout_at(next, earlier).await),
                None => earlier.await,
            }
        }
    }

    /// Ends every wait.
    pub fn close(&self) {
        let waiters = {
            let mut state = self.lock();
            state.closed = true;
            state.gate.clear()
        };
        drop(waiters);
    }

    /// Starts the attempts that may start now. Returns the admissions of those that do not wait any more.
    fn dispatch(self: &Arc<Self>, state: &mut State, now: Instant) -> Vec<Admission> {
        let dispatched = state.gate.dispatch(now);
        state.next = dispatched.next;
        if dispatched.short && state.may_press(now) {
            self.pressed.notify_one();
        }
        let started = dispatched.started.into_iter();
        let unclaimed = started
            .filter_map(|(waiter, model, need)| waiter.send(state.admit(self, model, &need, now)).err());
        unclaimed.collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds this lock")
    }
}

impl State {
    fn admit(&mut self, shared: &Arc<Shared>, model: Arc<str>, need: &Need, now: Instant) -> Admission {
        self.signals.started += 1;
        self.tokens.reserved += need.tokens;
        Admission::new(shared.clone(), model, need, now)
    }

    pub fn end(&mut self, model: &Arc<str>, class: Class, reserved: u64, used: u64, now: Instant) {
        self.tokens.reserved -= reserved;
        self.tokens.used += used;
        self.gate.end(model, class, reserved, used, now);
    }

    pub fn note(&mut self, outcome: Outcome, started: Instant) {
        match outcome {
            Outcome::Answered => {
                self.signals.answered += 1;
                self.cooling.answered(started);
            }
            Outcome::Refused => self.signals.refused += 1,
            Outcome::Failed => self.signals.failed += 1,
            Outcome::Late => self.signals.late += 1,
        }
    }

    pub fn heed(&mut self, calls: Option<Remaining>, tokens: Option<(Remaining, u64)>, now: Instant) {
        let calls = calls.map(|calls| (calls, 1.0, "the provider says that no requests are left"));
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let tokens = tokens.map(|(tokens, estimate)| {
            self.gate.lower_tokens_to(tokens.left, now);
            (tokens, estimate as f64, "the provider says that too few tokens are left")
        });
        for (remaining, needed, reason) in calls.into_iter().chain(tokens) {
            if let Some(pause) = remaining.pause(needed) {
                self.gate.cool_down(now + pause);
                self.cooling.tell(now + pause, reason, now);
            }
        }
    }

    /// Returns true if a lane with a lease may ask for more now.
    fn may_press(&mut self, now: Instant) -> bool {
        let may = self.gate.is_leased() && self.pressed_at.is_none_or(|at| now >= at + PRESSED_EVERY);
        if may {
            self.pressed_at = Some(now);
        }
        may
    }
}

impl Remaining {
    /// Returns the time until `needed` is left, if less is left now. Providers fill a bucket evenly; one that counts in
    /// fixed windows refuses the next call, with the time of the window's end.
    fn pause(&self, needed: f64) -> Option<Duration> {
        let (missing, spent) = (needed.min(self.limit) - self.left, self.limit - self.left);
        (missing > 0.0 && spent > 0.0)
            .then(|| self.full_in.mul_f64((missing / spent).min(1.0)).min(DELAY_MAX))
    }
}

impl<'a> Place<'a> {
    /// Takes a place in the queue. The attempt starts at once, if it may.
    pub fn take(
        shared: &'a Arc<Shared>,
        model: &str,
        need: Need,
        sender: oneshot::Sender<Admission>,
    ) -> Self {
        let place = shared.update(|state, _| {
            state.signals.saturated += u64::from(state.gate.is_saturated(model));
            let place = state.gate.enqueue(model, need, sender);
            if state.closed {
                // This drops the sender, which ends the wait.
                state.gate.leave(&place);
            }
            place
        });
        Self { shared, place }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        // The attempt may have been the one that others wait behind.
        self.shared.update(|state, _| state.gate.leave(&self.place));
    }
}
