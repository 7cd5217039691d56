use std::{collections::HashMap, time::Duration};

use runmill_store::Peer;

/// Time without a heartbeat after which an executor counts as dead. It is more than two heartbeats.
pub const SILENT_AFTER: Duration = Duration::from_secs(5);

/// Longest time between two exchanges that counts. An executor that could not look for a minute has not seen a minute
/// of silence.
pub const GAP_MAX: Duration = Duration::from_millis(2_500);

/// Measures for how long each other executor has sent no heartbeat, on this executor's own clock: as the sum of the
/// times between exchanges in which it saw none.
#[derive(Default)]
pub struct Silence(HashMap<String, Watched>);

struct Watched {
    beats: u64,
    silent: Duration,
}

impl Silence {
    /// Applies an exchange, which was begun `gap` after the end of the one before.
    pub fn observe(&mut self, peers: &[Peer], gap: Duration) {
        let before = std::mem::take(&mut self.0);
        for Peer { name, beats, .. } in peers {
            let silent = match before.get(name) {
                Some(watched) if watched.beats == *beats => watched.silent + gap.min(GAP_MAX),
                _ => Duration::ZERO,
            };
            self.0.insert(name.clone(), Watched { beats: *beats, silent });
        }
    }

    /// Begins anew: while this executor could not reach the store, the others perhaps could not either.
    pub fn forget(&mut self) {
        for watched in self.0.values_mut() {
            watched.silent = Duration::ZERO;
        }
    }

    /// Returns true if the executor counts as dead.
    pub fn is_dead(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|watched| watched.silent >= SILENT_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    const POLL: Duration = Duration::from_millis(500);

    fn peer(beats: u64) -> [Peer; 1] {
        [Peer { name: "a".into(), seen_at: Timestamp::UNIX_EPOCH, beats, talk: None }]
    }

    #[test]
    fn an_executor_without_a_heartbeat_is_dead_after_five_seconds_of_looking() {
        let mut silence = Silence::default();
        silence.observe(&peer(7), POLL);
        for _ in 1..10 {
            silence.observe(&peer(7), POLL);
        }
        assert!(!silence.is_dead("a"));

        silence.observe(&peer(7), POLL);
        assert!(silence.is_dead("a"));

        silence.observe(&peer(8), POLL);
        assert!(!silence.is_dead("a"), "it beats again");
    }

    #[test]
    fn neither_a_late_start_nor_a_long_gap_kills() {
        let mut silence = Silence::default();
        silence.observe(&peer(7), Duration::from_hours(1));
        assert!(!silence.is_dead("a"));
        silence.observe(&peer(7), Duration::from_hours(1));
        assert!(!silence.is_dead("a"));

        silence.forget();
        silence.observe(&peer(7), Duration::from_hours(1));
        assert!(!silence.is_dead("a"));
        silence.observe(&peer(7), Duration::from_hours(1));
        assert!(silence.is_dead("a"));
    }

    #[test]
    fn an_executor_that_left_is_not_dead() {
        let mut silence = Silence::default();
        silence.observe(&peer(7), POLL);
        silence.observe(&peer(7), SILENT_AFTER);
        silence.observe(&[], SILENT_AFTER);
        assert!(!silence.is_dead("a"));
    }
}
