use std::time::Duration;

/// Width of a slot. A window starts at a multiple of it.
const SLOT: Duration = Duration::from_millis(10);

/// Counts the events in a sliding window of a fixed length, and keeps the highest count.
///
/// A window starts every 10 ms. Each one has exactly the fixed length, so a maximum above a limit proves that the
/// limit was exceeded. A window with more events that starts between two of these times can be missed.
#[derive(Debug)]
pub(super) struct Window {
    slots: Box<[u32]>,
    /// Number of the newest slot, counted from the same start as the times of events.
    newest: u64,
    sum: u64,
    max: u64,
}

impl Window {
    pub fn of(length: Duration) -> Self {
        let slots = length.as_millis().div_euclid(SLOT.as_millis()).max(1);
        let slots = usize::try_from(slots).expect("a window of this process fits its memory");
        Self { slots: vec![0; slots].into(), newest: 0, sum: 0, max: 0 }
    }

    /// Counts an event at `at`, the time since a fixed start. An event that is older than the newest slot is counted
    /// in the newest slot.
    pub fn add(&mut self, at: Duration) {
        self.advance(u64::try_from(at.as_millis() / SLOT.as_millis()).unwrap_or(u64::MAX));
        let slot = self.index(self.newest);
        self.slots[slot] += 1;
        self.sum += 1;
        self.max = self.max.max(self.sum);
    }

    pub fn max(&self) -> u64 {
        self.max
    }

    fn advance(&mut self, newest: u64) {
        let passed = newest.saturating_sub(self.newest);
        // After one window's length every slot is cleared, so the loop is bounded, even if no event came for a long
        // time.
        for step in 1..=passed.min(self.slots.len() as u64) {
            let slot = self.index(self.newest + step);
            self.sum -= u64::from(std::mem::take(&mut self.slots[slot]));
        }
        self.newest += passed;
    }

    fn index(&self, slot: u64) -> usize {
        usize::try_from(slot % self.slots.len() as u64).expect("it is below a length")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn max(length_ms: u64, times_ms: &[u64]) -> u64 {
        let mut window = Window::of(Duration::from_millis(length_ms));
        for time in times_ms {
            window.add(Duration::from_millis(*time));
        }
        window.max()
    }

    #[test]
    fn the_busiest_window_counts() {
        let table: [(&[u64], u64); 7] = [
            (&[], 0),
            (&[0, 0, 99], 3),
            // A window is half-open: an event exactly one length after its start is outside.
            (&[0, 100], 1),
            (&[0, 90, 100, 110], 3),
            (&[0, 10, 20, 500, 510], 3),
            (&[0, 1_000_000_000, 1_000_000_001], 2),
            (&[50, 40, 60], 3),
        ];
        for (times, want) in table {
            assert_eq!(max(100, times), want, "{times:?}");
        }
    }

    #[test]
    fn a_window_never_counts_more_than_happened_in_its_length() {
        let every_5_ms: Vec<u64> = (0..1000).map(|n| n * 5).collect();

        assert_eq!(max(100, &every_5_ms), 20);
    }
}
