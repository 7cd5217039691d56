use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::time::Instant;

use super::{Excess, Limits, Standing, usage::Usage};

/// Maximum number of pairs of a key and a model that are limited separately. Calls of further pairs share one use.
const PAIRS_MAX: usize = 1_024;

type Pair = (Box<str>, Box<str>);

/// Uses of all limits.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    uses: Mutex<HashMap<Pair, Arc<Mutex<Usage>>>>,
}

/// Slot of a call in flight, which is returned when it is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    usage: Arc<Mutex<Usage>>,
}

impl Limiter {
    /// Admits a call of `tokens` that begins now, or returns the limit that it would exceed. Both come with the state of the
    /// limits after it.
    pub fn admit(
        &self,
        (key, model): (&str, &str),
        limits: &Limits,
        tokens: u64,
    ) -> (Result<Permit, Excess>, Standing) {
        let usage = self.usage(key, model);
        let (admitted, standing) = {
            let (mut usage, now) = (lock(&usage), Instant::now());
            (usage.admit(limits, tokens, now), usage.standing(limits, now))
        };
        (admitted.map(|()| Permit { usage }), standing)
    }

    fn usage(&self, key: &str, model: &str) -> Arc<Mutex<Usage>> {
        let mut uses = lock(&self.uses);
        let mut pair: Pair = (key.into(), model.into());
        if uses.len() >= PAIRS_MAX && !uses.contains_key(&pair) {
            pair = (Box::default(), Box::default());
        }
        uses.entry(pair).or_insert_with(|| Arc::new(Mutex::new(Usage::new()))).clone()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        lock(&self.usage).in_flight -= 1;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_and_each_model_has_limits_of_its_own() {
        let (limiter, limits) = (Limiter::default(), Limits { slots: Some(1), ..Limits::default() });
        let admit = |pair| limiter.admit(pair, &limits, 1).0;

        let first = admit(("a", "echo")).unwrap();

        assert!(admit(("a", "echo")).is_err());
        assert!(admit(("b", "echo")).is_ok() && admit(("a", "lorem")).is_ok());
        drop(first);
        assert!(admit(("a", "echo")).is_ok());
    }

    #[test]
    fn the_pairs_remembered_are_bounded() {
        let (limiter, limits) = (Limiter::default(), Limits { slots: Some(1), ..Limits::default() });

        for key in 0..2 * PAIRS_MAX {
            drop(limiter.admit((&key.to_string(), "echo"), &limits, 1));
        }

        assert_eq!(lock(&limiter.uses).len(), PAIRS_MAX + 1);
    }
}
