use super::class::{ByClass, Class};

/// Decides which class is next while attempts of both wait.
///
/// Interactive attempts are first while they hold less than their share of the slots. Where slots are no matter, because
/// rates limit the lane or because it has a single slot, they have the same share of the starts: after one of them, some
/// runs' attempts go first.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Number of interactive attempts in flight.
    interactive: u32,
    waiting: ByClass<u32>,
    /// Number of runs' attempts that go before the next interactive one.
    owed: u32,
}

/// Interactive attempts have one slot of so many, or one start.
const SHARE: u32 = 4;

impl Turns {
    /// Returns the class of the next attempt.
    ///
    /// * `concurrency` and `free`: number of all slots, and of those that are free.
    pub fn next(&self, concurrency: u32, free: u32) -> Class {
        let share = (concurrency / SHARE).max(1);
        let missing = share.saturating_sub(self.interactive);
        let is_scarce = share < concurrency && free <= missing;
        if missing > 0 && (is_scarce || self.owed == 0) { Class::Interactive } else { Class::Run }
    }

    pub const fn waiting(&self) -> u32 {
        self.waiting.run.saturating_add(self.waiting.interactive)
    }

    pub const fn came(&mut self, class: Class) {
        *self.waiting.get_mut(class) += 1;
    }

    pub const fn left(&mut self, class: Class) {
        *self.waiting.get_mut(class) -= 1;
    }

    pub fn all_left(&mut self) {
        self.waiting = ByClass::default();
    }

    pub const fn started(&mut self, class: Class) {
        match class {
            Class::Run => self.owed = self.owed.saturating_sub(1),
            Class::Interactive => {
                self.interactive += 1;
                self.owed = if self.waiting.run > 0 { SHARE - 1 } else { 0 };
            }
        }
    }

    pub const fn ended(&mut self, class: Class) {
        if matches!(class, Class::Interactive) {
            self.interactive -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns turns with so many interactive attempts in flight, and attempts of both classes that wait.
    fn turns(interactive: u32, owed: u32) -> Turns {
        Turns { interactive, waiting: ByClass { run: 9, interactive: 9 }, owed }
    }

    #[test]
    fn interactive_attempts_are_first_up_to_their_share_and_before_it_is_too_late() {
        use Class::{Interactive, Run};
        let table = [
            // All slots, free ones, interactive attempts in flight, attempts of runs that are owed.
            (16, 16, 0, 0, Interactive),
            (16, 16, 3, 0, Interactive),
            (16, 16, 4, 0, Run),
            (16, 5, 0, 3, Run),
            (16, 4, 0, 3, Interactive),
            (16, 1, 3, 3, Interactive),
            (16, 1, 4, 0, Run),
            (16, 2, 3, 3, Run),
            (2, 1, 0, 3, Interactive),
            (2, 1, 1, 0, Run),
            (1, 1, 0, 0, Interactive),
            (1, 1, 0, 1, Run),
        ];
        for (concurrency, free, interactive, owed, want) in table {
            let got = turns(interactive, owed).next(concurrency, free);
            assert_eq!(got, want, "{free} of {concurrency}, {interactive}, {owed}");
        }
    }

    #[test]
    fn runs_are_owed_only_while_they_wait() {
        let mut turns = turns(0, 0);
        turns.started(Class::Interactive);
        assert_eq!(turns.owed, SHARE - 1);
        turns.started(Class::Run);
        assert_eq!(turns.owed, SHARE - 2);

        turns.waiting.run = 0;
        turns.started(Class::Interactive);
        assert_eq!(turns.owed, 0);
    }
}
