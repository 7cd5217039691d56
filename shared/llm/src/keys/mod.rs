//! The keys of one provider: chooses a key for each attempt, and has a circuit breaker for each key.
//!
//! Among the usable keys, an attempt gets the one with the fewest calls in flight for its weight. When the provider
//! refuses a key, or the key's quota is used up, its breaker opens and the attempts use the other keys. A first refusal
//! is only a suspicion, because it may concern the request alone (see [`suspicion`]). After its
//! time the breaker is half-open: one call probes the key, the others wait for the result or are deferred. A success
//! closes the breaker. To users an open breaker is shown as the reason why a key is *set aside*.

mod refusals;
mod state;
mod suspicion;

use std::sync::{Arc, Mutex, MutexGuard};

use http::HeaderMap;
use runmill_proto::api::ExecutorKey;
use tokio::time::{Duration, Instant};

pub(crate) use self::refusals::Refusals;
use self::{state::KeyState, suspicion::Finding};
use crate::ModelError;

/// A key with the headers that send it.
#[derive(Debug)]
pub(crate) struct Key {
    pub label: Arc<str>,
    /// The key's share of the calls relative to the other keys' weights. At least 1.
    pub weight: u32,
    /// All headers of a request, including the key's.
    pub headers: HeaderMap,
    /// True if the headers authorize the request.
    pub authorizes: bool,
}

/// Keys of one provider, at least one: a provider without keys has an entry that sends no key.
pub(crate) struct Keys {
    keys: Vec<Key>,
    states: Mutex<Vec<KeyState>>,
}

/// Use of a key by one attempt. If it is dropped without [`Self::settle`], only the key's load changes.
pub(crate) struct Lease {
    keys: Arc<Keys>,
    index: usize,
    taken: Instant,
}

/// Error if the circuit breakers of all keys are open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NoUsableKey {
    /// Reason of the breaker that becomes half-open first.
    pub reason: ModelError,
    pub availability: KeyAvailability,
}

/// Effect of an attempt's end on the keys of the next attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum KeyAvailability {
    /// The attempt did not change which keys are usable, or no other key is more likely to succeed.
    #[default]
    Unchanged,
    /// The key was at fault, and another is usable.
    AnotherKey,
    /// The provider refused the request. It is not clear yet whether the key or the request is at fault.
    Suspected,
    /// The provider refuses this request, although the key works.
    RequestRefused,
    /// No key is usable, but a call is probing one.
    Probing,
    /// No key is usable until this time.
    NoneUntil(Instant),
}

impl Keys {
    pub fn new(keys: Vec<Key>) -> Arc<Self> {
        assert!(!keys.is_empty(), "a provider without keys has one that sends none");
        let states = keys.iter().map(|_| KeyState::default()).collect();
        Arc::new(Self { keys, states: Mutex::new(states) })
    }

    /// Returns the key that an attempt should use now, and counts it as in use. `refusals` has those of the attempt's
    /// request.
    pub fn take(self: &Arc<Self>, refusals: &Refusals) -> Result<Lease, NoUsableKey> {
        let now = Instant::now();
        let mut states = self.lock();
        let usable = (0..self.keys.len()).filter(|index| states[*index].is_usable(now));
        let order = |index: &usize| (self.refused(refusals, *index), self.order(&states, now, *index));
        let Some(index) = usable.min_by_key(order) else {
            return Err(no_usable_key(&states, now));
        };
        states[index].take(now);
        Ok(Lease { keys: self.clone(), index, taken: now })
    }

    pub fn are_several(&self) -> bool {
        self.keys.len() > 1
    }

    /// Returns the number of times that a request was refused with a key. If there is only one key, it does not matter.
    fn refused(&self, refusals: &Refusals, index: usize) -> u32 {
        if self.keys.len() == 1 { 0 } else { refusals.count(&self.keys[index].label) }
    }

    /// Returns true if a usable key has not been refused for this request.
    fn has_untried(&self, refusals: &Refusals) -> bool {
        let (now, states) = (Instant::now(), self.lock());
        self.keys
            .iter()
            .zip(&*states)
            .any(|(key, state)| state.is_usable(now) && refusals.count(&key.label) == 0)
    }

    /// Makes all open circuit breakers half-open at once.
    pub fn reset_breakers(&self) {
        let now = Instant::now();
        self.lock().iter_mut().for_each(|state| state.reset(now));
    }

    /// Returns the state of each key, for users.
    pub fn report(&self) -> Vec<ExecutorKey> {
        let states = self.lock();
        let view = |(key, state): (&Key, &KeyState)| ExecutorKey {
            label: key.label.to_string(),
            in_flight: state.in_flight,
            set_aside: state.opened().map(|(reason, _)| reason.to_string()),
        };
        self.keys.iter().zip(&*states).map(view).collect()
    }

    /// Returns the sort key by which a usable key is chosen, the least first: keys that are not rate-limited, then
    /// those with the fewest calls in flight for their weight, then those with the fewest uses for it.
    fn order(&self, states: &[KeyState], now: Instant, index: usize) -> (Duration, u64, u64) {
        let (state, weight) = (&states[index], u64::from(self.keys[index].weight.max(1)));
        let share = |count: u64| count.saturating_mul(PRECISION) / weight;
        (state.cooldown(now), share(state.in_flight.into()), share(state.uses + 1))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<KeyState>> {
        self.states.lock().expect("nothing panics while it holds this lock")
    }
}

/// Factor by which shares are multiplied, so that they can be compared as whole numbers.
const PRECISION: u64 = 1_000_000;

fn no_usable_key(states: &[KeyState], now: Instant) -> NoUsableKey {
    let first = states.iter().filter_map(KeyState::opened).min_by_key(|(_, until)| *until);
    let (reason, until) = first.expect("a key that is not usable has an open breaker");
    let is_probed = states.iter().any(|state| state.is_probed(now));
    let availability = if is_probed { KeyAvailability::Probing } else { KeyAvailability::NoneUntil(until) };
    NoUsableKey { reason: reason.clone(), availability }
}

/// Time for which the breaker is open after the provider refused the key. A key that is repaired at the provider is
/// used again within this time. New settings of the provider, or a run that a user resumes, end it at once.
const REFUSED_FOR: Duration = Duration::from_mins(15);
/// Time for which the breaker is open after the key's quota was used up, if the provider states no time.
const SPENT_FOR: Duration = Duration::from_mins(15);
const SPENT_MAX: Duration = Duration::from_hours(24);
/// Time for which a key is rate-limited, if the provider states no time.
const COOLDOWN: Duration = Duration::from_secs(1);

impl Lease {
    pub fn key(&self) -> &Key {
        &self.keys.keys[self.index]
    }

    /// Returns true if the provider has accepted the key.
    pub fn has_worked(&self) -> bool {
        self.keys.lock()[self.index].has_worked()
    }

    /// Updates the key's state by the result of the attempt.
    ///
    /// * `answered`: HTTP status of the provider's last answer, if there was one.
    /// * `call`: id of the attempt's call; `refusals`: those of its request.
    pub fn settle(
        self,
        error: Option<&ModelError>,
        answered: Option<u16>,
        call: &str,
        refusals: &Refusals,
    ) -> KeyAvailability {
        let now = Instant::now();
        let taken = self.taken;
        match error {
            Some(error @ ModelError::Authentication { .. }) => {
                self.refused(error, now + REFUSED_FOR, call, refusals)
            }
            Some(error @ ModelError::QuotaExhausted { after, .. }) => {
                let until = now + after.unwrap_or(SPENT_FOR).clamp(REFUSED_FOR, SPENT_MAX);
                // The account may have too little for this request and enough for others, as far as this status tells.
                if answered == Some(402) {
                    self.refused(error, until, call, refusals)
                } else {
                    self.open(error, until)
                }
            }
            Some(ModelError::RateLimited { after, .. }) => {
                let mut states = self.keys.lock();
                states[self.index].close(taken);
                states[self.index].limit(now + after.unwrap_or(COOLDOWN));
                let free = states.iter().any(|other| other.is_usable(now) && other.cooldown(now).is_zero());
                if free { KeyAvailability::AnotherKey } else { KeyAvailability::Unchanged }
            }
            _ => {
                if answered.is_some_and(shows_acceptance) {
                    self.keys.lock()[self.index].close(taken);
                }
                KeyAvailability::Unchanged
            }
        }
    }

    /// Judges a refusal, and opens the breaker until that time if the key is at fault.
    fn refused(
        &self,
        error: &ModelError,
        until: Instant,
        call: &str,
        refusals: &Refusals,
    ) -> KeyAvailability {
        let label = &self.key().label;
        let before = refusals.of(label);
        refusals.add(label);
        let finding = {
            let state = &mut self.keys.lock()[self.index];
            // The user has corrected the cause since the attempt began.
            if state.is_outdated(self.taken) { None } else { Some(state.judge(call, self.taken, before)) }
        };
        match finding {
            None | Some(Finding::Key) => self.open(error, until),
            Some(_) if self.keys.has_untried(refusals) => KeyAvailability::AnotherKey,
            Some(Finding::Request) => KeyAvailability::RequestRefused,
            Some(Finding::Unclear) => KeyAvailability::Suspected,
        }
    }

    fn open(&self, error: &ModelError, until: Instant) -> KeyAvailability {
        let now = Instant::now();
        let mut states = self.keys.lock();
        states[self.index].open(error, self.taken, until);
        if states.iter().any(|other| other.is_usable(now)) {
            KeyAvailability::AnotherKey
        } else {
            no_usable_key(&states, now).availability
        }
    }
}

/// Returns true for statuses that prove that the provider accepted the key: those of an answer, and those of an error
/// that it found in the request.
const fn shows_acceptance(status: u16) -> bool {
    matches!(status, 200..=299 | 400 | 413 | 422)
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.keys.lock()[self.index].release(self.taken);
    }
}

#[cfg(test)]
mod tests;
