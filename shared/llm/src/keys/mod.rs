//! The keys of one provider: which to use next, and which not to use now.
//!
//! A key is chosen by its weight and by who has room: of those that nothing speaks against, the one with the fewest
//! calls in flight for its weight. A key that the provider refuses, or whose quota is used up, is *set aside* with
//! its reason while others go on. When its time has come, one call tries it; the rest wait for what comes of it, or are
//! put off.

mod state;

use std::sync::{Arc, Mutex, MutexGuard};

use http::HeaderMap;
use runmill_proto::api::ExecutorKey;
use tokio::time::{Duration, Instant};

use self::state::KeyState;
use crate::ModelError;

/// A key as it is sent.
#[derive(Debug)]
pub(crate) struct Key {
    pub label: Arc<str>,
    /// At least 1.
    pub weight: u32,
    /// Everything that goes out with a request, the key included.
    pub headers: HeaderMap,
}

/// Never empty: a provider without keys has one that sends none.
pub(crate) struct Keys {
    keys: Vec<Key>,
    states: Mutex<Vec<KeyState>>,
}

/// The use of a key by one attempt. Dropped unsettled, it only gives its place back.
pub(crate) struct Lease {
    keys: Arc<Keys>,
    place: usize,
    taken: Instant,
}

/// Every key is set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AllSetAside {
    /// Of the key that is tried again first.
    pub reason: ModelError,
    /// What that means for who asks.
    pub outlook: Outlook,
}

/// What an attempt's end means for the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Outlook {
    /// Nothing that concerns keys.
    #[default]
    Same,
    /// The key was at fault, and there is another.
    AnotherKey,
    /// No key is left, but one is being tried again: soon it is known whether it is mended.
    KeyTried,
    /// No key is left until then.
    NoKey(Instant),
}

impl Keys {
    pub fn new(keys: Vec<Key>) -> Arc<Self> {
        assert!(!keys.is_empty(), "a provider without keys has one that sends none");
        let states = keys.iter().map(|_| KeyState::default()).collect();
        Arc::new(Self { keys, states: Mutex::new(states) })
    }

    /// The key to use now.
    pub fn take(self: &Arc<Self>) -> Result<Lease, AllSetAside> {
        let now = Instant::now();
        let mut states = self.lock();
        let usable = (0..self.keys.len()).filter(|place| states[*place].is_usable(now));
        let Some(place) = usable.min_by_key(|place| self.order(&states, now, *place)) else {
            return Err(all_set_aside(&states, now));
        };
        states[place].take(now);
        Ok(Lease { keys: self.clone(), place, taken: now })
    }

    /// Lets every key that is set aside be tried again at once: someone says that it is mended.
    pub fn forgive(&self) {
        let now = Instant::now();
        self.lock().iter_mut().for_each(|state| state.forgive(now));
    }

    /// What users may see of them.
    pub fn report(&self) -> Vec<ExecutorKey> {
        let states = self.lock();
        let view = |(key, state): (&Key, &KeyState)| ExecutorKey {
            label: key.label.to_string(),
            in_flight: state.in_flight,
            set_aside: state.set_aside().map(ToString::to_string),
        };
        self.keys.iter().zip(&*states).map(view).collect()
    }

    /// The least goes first: a key that cools down comes after all that do not; then the fewest in flight for the
    /// weight; then the fewest uses for it.
    fn order(&self, states: &[KeyState], now: Instant, place: usize) -> (Duration, u64, u64) {
        let (state, weight) = (&states[place], u64::from(self.keys[place].weight.max(1)));
        let share = |count: u64| count.saturating_mul(PRECISION) / weight;
        (state.cooldown(now), share(state.in_flight.into()), share(state.uses + 1))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<KeyState>> {
        self.states.lock().expect("nothing panics while it holds this lock")
    }
}

/// Of a share, which is compared as a whole number.
const PRECISION: u64 = 1_000_000;

fn all_set_aside(states: &[KeyState], now: Instant) -> AllSetAside {
    let first = states.iter().filter_map(KeyState::return_of).min_by_key(|(until, _)| *until);
    let (until, reason) = first.expect("a key is usable or set aside");
    let is_tried = states.iter().any(|state| state.is_tried(now));
    let outlook = if is_tried { Outlook::KeyTried } else { Outlook::NoKey(until) };
    AllSetAside { reason: reason.clone(), outlook }
}

/// How long a key is set aside that the provider refuses. Whoever mends it at the provider waits no longer than this;
/// a change of the provider's settings, and a run that is resumed by hand, end it at once.
const REFUSED_FOR: Duration = Duration::from_mins(15);
/// The same for a quota that is used up, where the provider does not say more.
const SPENT_FOR: Duration = Duration::from_mins(15);
const SPENT_MAX: Duration = Duration::from_hours(24);
/// The cooldown of a key that is over its rate limit, where the provider does not say more.
const COOLDOWN: Duration = Duration::from_secs(1);

impl Lease {
    pub fn key(&self) -> &Key {
        &self.keys.keys[self.place]
    }

    /// Tells how the attempt ended. `answered`: the status of the provider's last answer to it, if one came.
    pub fn settle(self, error: Option<&ModelError>, answered: Option<u16>) -> Outlook {
        let now = Instant::now();
        let mut states = self.keys.lock();
        let (state, taken) = (&mut states[self.place], self.taken);
        match error {
            Some(error @ ModelError::Authentication { .. }) => {
                state.set_aside_for(error, taken, now + REFUSED_FOR);
            }
            Some(error @ ModelError::QuotaExhausted { after, .. }) => {
                let time = after.unwrap_or(SPENT_FOR).clamp(REFUSED_FOR, SPENT_MAX);
                state.set_aside_for(error, taken, now + time);
            }
            Some(ModelError::RateLimited { after, .. }) => {
                state.prove(taken);
                state.cool(now + after.unwrap_or(COOLDOWN));
                let free = states.iter().any(|other| other.is_usable(now) && other.cooldown(now).is_zero());
                return if free { Outlook::AnotherKey } else { Outlook::Same };
            }
            _ if answered.is_some_and(shows_acceptance) => {
                state.prove(taken);
                return Outlook::Same;
            }
            _ => return Outlook::Same,
        }
        if states.iter().any(|other| other.is_usable(now)) {
            Outlook::AnotherKey
        } else {
            all_set_aside(&states, now).outlook
        }
    }
}

/// Whether a provider that answers so has taken the key, whatever else it says: it has answered, or has read what is
/// asked and found fault with that.
const fn shows_acceptance(status: u16) -> bool {
    matches!(status, 200..=299 | 400 | 413 | 422)
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.keys.lock()[self.place].release(self.taken);
    }
}

#[cfg(test)]
mod tests;
