use jiff::Timestamp;
use runmill_store::{DueJob, RunRow};

use super::{jobs::CHUNK, leading::Leading};

/// Knowledge about jobs of one run that were published, or may have been, and are not marked as fed.
#[derive(Debug, Default)]
pub struct Offers {
    /// Jobs at the positions below this one may have been published.
    below: u64,
    /// Deferred jobs that were due at this time may have been published.
    due_until: Option<Timestamp>,
    /// Jobs that the broker confirmed and that the store does not know of.
    unmarked: Option<Unmarked>,
}

/// Jobs to be marked as fed.
#[derive(Clone, Debug)]
pub struct Unmarked {
    /// Pass of the run in which they were fed.
    epoch: u32,
    pub fed: u64,
    pub refed: Vec<DueJob>,
}

impl Offers {
    /// Returns what is known about a run that this leader has not fed yet. An earlier leader published at most one
    /// chunk without marking it.
    pub fn before(run: &RunRow, leading: &Leading) -> Self {
        if !leading.may_be_fed_before(run) {
            return Self::default();
        }
        Self { below: run.cursor.fed + CHUNK, due_until: leading.led_before(), unmarked: None }
    }

    pub const fn may_be_published(&self, position: u64) -> bool {
        position < self.below
    }

    pub fn may_be_refed(&self, due: &DueJob) -> bool {
        due.possible_copy || self.due_until.is_some_and(|until| due.not_before <= until)
    }

    /// Notes that the jobs below `position` are being published.
    pub fn publishing(&mut self, position: u64) {
        self.below = self.below.max(position);
    }

    /// Notes that deferred jobs were published and the broker did not confirm all of them. Each was due at `now`.
    pub fn refed_in_doubt(&mut self, now: Timestamp) {
        self.due_until = self.due_until.max(Some(now));
    }

    /// Notes that the broker has confirmed the jobs below `fed`, and `refed`.
    pub fn confirmed(&mut self, run: &RunRow, fed: u64, refed: &[DueJob]) {
        self.unmarked = Some(Unmarked { epoch: run.cursor.epoch, fed, refed: refed.to_vec() });
    }

    /// Notes that the store knows what was confirmed.
    pub fn marked(&mut self) {
        self.unmarked = None;
    }

    /// Returns the jobs that are still to be marked. The jobs of an earlier pass are no longer of interest.
    pub fn unmarked(&self, run: &RunRow) -> Option<&Unmarked> {
        self.unmarked.as_ref().filter(|unmarked| unmarked.epoch == run.cursor.epoch)
    }
}

#[cfg(test)]
mod tests {
    use runmill_proto::RunId;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_was_confirmed_in_an_earlier_pass_is_no_longer_marked() {
        let mut run = runmill_store::testing::run(RunId::from_uuid(Uuid::nil()), 1_000);
        let mut offers = Offers::default();
        offers.confirmed(&run, 7, &[]);
        assert_eq!(offers.unmarked(&run).map(|unmarked| unmarked.fed), Some(7));

        run.cursor.epoch += 1;

        assert!(offers.unmarked(&run).is_none());
    }
}
