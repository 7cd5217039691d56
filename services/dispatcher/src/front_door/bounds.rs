use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use runmill_config::Role;
use runmill_front_door::Refusal;
use runmill_proto::TokenId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::caller::Caller;

/// A token. Those of a role that the server was started with are one, and that of a run has the run's id.
pub type Who = (Option<TokenId>, Role);

pub fn who(caller: &Caller) -> Who {
    let of_run = caller.run_id.map(|run_id| TokenId::from_uuid(run_id.uuid()));
    (of_run.or(caller.id), caller.role)
}

/// Bounds on the calls in flight: on their number, and on the bytes of their requests, of which each call has a copy.
pub struct Bounds {
    calls: Arc<Semaphore>,
    kilobytes: Arc<Semaphore>,
    token_max: usize,
    /// Number of calls in flight of each token that has any.
    tokens: Mutex<HashMap<Who, usize>>,
}

/// Places of the calls of a request, until they end.
pub struct Seats {
    bounds: Arc<Bounds>,
    who: Who,
    calls: usize,
    _of_all: [OwnedSemaphorePermit; 2],
}

/// Bytes that the requests of all calls in flight may have together.
const BYTES_MAX: usize = 512 * 1024 * 1024;
/// Bytes that the requests of one client's request may have together, one for each answer.
pub const REQUEST_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Time after which a request that found no place may be sent again.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

impl Bounds {
    pub fn new(all_max: usize, token_max: usize) -> Arc<Self> {
        Arc::new(Self {
            calls: Arc::new(Semaphore::new(all_max)),
            kilobytes: Arc::new(Semaphore::new(BYTES_MAX / 1024)),
            token_max,
            tokens: Mutex::default(),
        })
    }

    /// Takes places for so many calls with a request of `bytes` each, or refuses the request.
    pub fn take(self: &Arc<Self>, who: Who, calls: u32, bytes: usize) -> Result<Seats, Refusal> {
        let full = |words: String| {
            Refusal::new(429, words).with_code("rate_limit_exceeded").retry_after(AGAIN_AFTER)
        };
        let sum = bytes.saturating_mul(calls as usize);
        if calls > 1 && sum > REQUEST_BYTES_MAX {
            let words = format!(
                "`n` answers to a request of {bytes} bytes need {sum} bytes, and at most {REQUEST_BYTES_MAX} are \
                 possible: ask for fewer answers at once"
            );
            return Err(Refusal::invalid("n", words));
        }
        let busy = || {
            full("the server has as many calls in flight as it may have; send the request again".to_owned())
        };
        let places = self.calls.clone().try_acquire_many_owned(calls).map_err(|_| busy())?;
        // A single request may be larger than all may be together, if a setting says so.
        let kilobytes = u32::try_from((sum / 1024).min(BYTES_MAX / 1024)).unwrap_or(u32::MAX);
        let room = self.kilobytes.clone().try_acquire_many_owned(kilobytes).map_err(|_| busy())?;
        let of_all = [places, room];
        let calls = calls as usize;
        let mut tokens = self.lock();
        let in_flight = tokens.get(&who).copied().unwrap_or_default();
        if in_flight + calls > self.token_max {
            let max = self.token_max;
            return Err(full(format!(
                "this token has {in_flight} calls in flight, of at most {max}; wait for some"
            )));
        }
        tokens.insert(who, in_flight + calls);
        drop(tokens);
        Ok(Seats { bounds: self.clone(), who, calls, _of_all: of_all })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Who, usize>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seats {
    fn drop(&mut self) {
        let mut tokens = self.bounds.lock();
        if let Some(in_flight) = tokens.get_mut(&self.who) {
            *in_flight = in_flight.saturating_sub(self.calls);
            if *in_flight == 0 {
                tokens.remove(&self.who);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_for_a_token_and_in_all_and_are_given_back() {
        let bounds = Bounds::new(5, 3);
        let (one, other) = ((None, Role::Submit), (None, Role::Admin));
        let first = bounds.take(one, 2, 0).unwrap();

        let refusal = bounds.take(one, 2, 0).err().unwrap();
        assert_eq!((refusal.status, refusal.retry_after), (429, Some(AGAIN_AFTER)));
        let _second = bounds.take(other, 3, 0).unwrap();
        assert_eq!(bounds.take(one, 1, 0).err().unwrap().status, 429, "in all");

        drop(first);
        let _third = bounds.take(one, 2, 0).unwrap();
        assert_eq!(bounds.lock().len(), 2);
    }

    #[test]
    fn the_bytes_of_all_requests_are_bounded_and_given_back() {
        const MIB: usize = 1024 * 1024;
        let bounds = Bounds::new(1_000, 1_000);
        let who = (None, Role::Submit);
        let refusal = bounds.take(who, 64, 8 * MIB).err().unwrap();
        assert_eq!((refusal.status, refusal.param.as_deref()), (400, Some("n")));

        let seats: Vec<_> = (0..8).map(|_| bounds.take(who, 64, MIB).unwrap()).collect();
        assert_eq!(bounds.take(who, 1, MIB).err().unwrap().status, 429);
        drop(seats);
        assert!(bounds.take(who, 1, 2 * BYTES_MAX).is_ok(), "one that is alone");
    }
}
