use std::{collections::HashMap, hash::Hash, time::Duration};

use tokio::time::Instant;

/// Values of the last minutes by key, in two generations: an entry lives for at least `keep` and at most twice as long,
/// unless more than `max` come in that time.
pub struct Recent<K, V> {
    keep: Duration,
    max: usize,
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    turned: Option<Instant>,
}

impl<K: Eq + Hash, V> Recent<K, V> {
    pub fn new(keep: Duration, max: usize) -> Self {
        Self { keep, max, young: HashMap::new(), old: HashMap::new(), turned: None }
    }

    pub fn insert(&mut self, key: K, value: V, now: Instant) {
        let turned = *self.turned.get_or_insert(now);
        if now.duration_since(turned) >= self.keep || self.young.len() >= self.max / 2 {
            self.old = std::mem::take(&mut self.young);
            self.turned = Some(now);
        }
        self.young.insert(key, value);
    }

    pub fn get(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEP: Duration = Duration::from_mins(1);

    #[test]
    fn an_entry_is_kept_for_its_time_and_then_goes() {
        let (mut recent, begin) = (Recent::new(KEEP, 1_000), Instant::now());
        recent.insert(1, 'a', begin);
        recent.insert(2, 'b', begin + KEEP - Duration::from_secs(1));
        assert_eq!(recent.get(&1), Some(&'a'));

        recent.insert(3, 'c', begin + KEEP);
        assert_eq!(recent.get(&2), Some(&'b'));
        recent.insert(4, 'd', begin + 2 * KEEP);

        assert_eq!((recent.get(&1), recent.get(&2), recent.get(&3)), (None, None, Some(&'c')));
    }

    #[test]
    fn only_so_many_are_kept() {
        let (mut recent, now) = (Recent::new(KEEP, 100), Instant::now());
        for key in 0..1_000 {
            recent.insert(key, (), now);
        }
        assert!(recent.len() <= 100 && recent.get(&999).is_some());
    }
}
