//! Bounds of the memory that messages take. The broker counts messages and not bytes, so the number of messages that it
//! may send ahead follows their size.

/// Bytes of messages that a process holds, of all partitions together. Decoding and writing a batch takes about twice
/// its bytes again.
const HELD_MAX: usize = 256 << 20;
/// Messages of two batches, so that one arrives while the other is written. `RabbitMQ` allows no more for a quorum
/// queue.
pub const PREFETCH_MAX: u16 = 2_000;
/// Smallest number of messages that the broker may send ahead, for messages of any size.
const PREFETCH_MIN: u16 = 2;

/// Number of batches of small messages after which the broker may send twice as many ahead. Each change restarts the
/// consumer, so a few small messages among large ones must not cause one.
const CALM_BATCHES: u32 = 50;

/// Bytes that one partition may hold.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    held_max: usize,
}

impl Bounds {
    pub fn new(partitions: u16) -> Self {
        Self { held_max: HELD_MAX / usize::from(partitions.max(1)) }
    }

    /// Bytes after which a batch takes no further message.
    pub const fn batch_max(self) -> usize {
        self.held_max / 2
    }
}

/// Number of messages that the broker may send ahead to one partition.
#[derive(Debug)]
pub struct Prefetch {
    bounds: Bounds,
    now: u16,
    calm: u32,
}

impl Prefetch {
    pub const fn new(bounds: Bounds) -> Self {
        Self { bounds, now: PREFETCH_MAX, calm: 0 }
    }

    /// Returns the new prefetch, if it changes, after a batch of this many messages and bytes.
    pub fn after(&mut self, messages: usize, bytes: usize) -> Option<u16> {
        let mean = (bytes / messages.max(1)).max(1);
        let fitting = u16::try_from(self.bounds.held_max / mean).unwrap_or(u16::MAX);
        let fitting = fitting.clamp(PREFETCH_MIN, PREFETCH_MAX);
        let next = if fitting < self.now {
            self.calm = 0;
            fitting
        } else if fitting / 2 >= self.now {
            self.calm += 1;
            if self.calm < CALM_BATCHES {
                return None;
            }
            self.calm = 0;
            self.now * 2
        } else {
            return None;
        };
        self.now = next;
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_bounded_for_messages_of_any_size() {
        for (partitions, size) in [(1, 16 << 20), (8, 16 << 20), (8, 1 << 20), (8, 100_000), (64, 1_000)] {
            let bounds = Bounds::new(partitions);
            let mut prefetch = Prefetch::new(bounds);

            let now = prefetch.after(3, 3 * size).unwrap_or(PREFETCH_MAX);

            let held = usize::from(now) * size;
            assert!(held <= bounds.held_max || now == PREFETCH_MIN, "{partitions} {size}: {now}");
        }
    }

    #[test]
    fn small_messages_bring_it_back_slowly() {
        let mut prefetch = Prefetch::new(Bounds::new(8));
        assert_eq!(prefetch.after(1_000, 1_000_000), None, "small messages change nothing");
        assert_eq!(prefetch.after(2, 32 << 20), Some(2));

        let mut changes = (0..CALM_BATCHES * 12).filter_map(|_| prefetch.after(10, 10_000));

        assert_eq!(changes.next(), Some(4));
        assert_eq!(changes.last(), Some(1_024));
    }
}
