use std::{collections::HashMap, time::Duration};

use runmill_proto::{RunId, api::ExecutorRun, message::JobKey};
use runmill_store::Holding;
use tokio::time::Instant;

use super::{Feeding, recent::Recent};

/// Time for which a job counts as done after its log was confirmed: it bridges the way of the log to the store, which is
/// long while the log-sinks cannot write. It is longer than the longest pause between two feedings of a job that seems to
/// be lost. If the log itself is lost, the job is called again after this time.
pub const DONE_FOR: Duration = Duration::from_mins(15);
/// Time for which a job counts as deferred. It is short, since a job that is fed again and then lost has a number that may
/// be below that of the deferral.
const DEFERRED_FOR: Duration = Duration::from_mins(1);
/// Time for which a job that another executor asked about counts as a possible copy.
const ASKED_FOR: Duration = Duration::from_mins(5);
/// Maximum number of jobs that are remembered, of either kind.
const REMEMBERED_MAX: usize = 200_000;

/// The jobs that this executor has in hand, ended a short time ago, or was asked about. `D` is the delivery of a job.
///
/// After a broken connection, jobs in hand are delivered again while their calls go on. The newest delivery then takes
/// the place of the one before, so that the broker keeps the job until its log is confirmed.
pub struct Memory<D> {
    in_hand: HashMap<JobKey, InHand<D>>,
    done: Recent<JobKey, Done>,
    asked: Recent<JobKey, Instant>,
}

struct InHand<D> {
    feeding: Feeding,
    phase: Phase,
    delivery: D,
    /// Feeding of the delivery, which may be a later one.
    delivered: Feeding,
}

/// A delivery that is out of hand.
#[derive(Debug, PartialEq, Eq)]
pub struct Held<D> {
    pub delivery: D,
    /// True if it is of a later feeding than the one that was in hand.
    pub is_later: bool,
}

/// Progress of a job in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It is a possible copy, and answers of other executors are missing.
    Waiting,
    /// It is a copy and about to be acked.
    Dropped,
    Working,
    /// Its deferral is being published, so that a later feeding of it may come at any time.
    Deferring,
}

/// End of a job whose log is confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Finally,
    /// It will be fed again.
    Deferred,
}

#[derive(Clone, Copy)]
struct Done {
    epoch: u32,
    attempt: u32,
    ended: Ended,
    at: Instant,
}

/// Relation of a delivery to the jobs that this executor knows.
#[derive(Debug, PartialEq, Eq)]
pub enum Claim<D> {
    /// The job is now in hand, and the caller works on it.
    New,
    /// The job is in hand already, and the delivery took the place of this one.
    Replaced(D),
    /// The job is done.
    Stale(D),
    /// An earlier feeding of the job is about to end.
    Ending(D),
}

impl<D> Default for Memory<D> {
    fn default() -> Self {
        Self {
            in_hand: HashMap::new(),
            done: Recent::new(DONE_FOR, REMEMBERED_MAX),
            asked: Recent::new(ASKED_FOR, REMEMBERED_MAX),
        }
    }
}

impl<D> Memory<D> {
    pub fn claim(&mut self, feeding: Feeding, delivery: D, now: Instant) -> Claim<D> {
        if let Some(in_hand) = self.in_hand.get_mut(&feeding.key) {
            return match in_hand.covers(&feeding) {
                true if feeding.epoch < in_hand.feeding.epoch => Claim::Stale(delivery),
                true => {
                    in_hand.delivered = feeding;
                    Claim::Replaced(std::mem::replace(&mut in_hand.delivery, delivery))
                }
                false => Claim::Ending(delivery),
            };
        }
        if self.is_done(&feeding, now) {
            return Claim::Stale(delivery);
        }
        self.in_hand
            .insert(feeding.key, InHand { feeding, phase: Phase::Working, delivery, delivered: feeding });
        Claim::New
    }

    pub fn is_in_hand(&self, key: &JobKey) -> bool {
        self.in_hand.contains_key(key)
    }

    /// Returns true if no job is in hand.
    pub fn is_empty(&self) -> bool {
        self.in_hand.is_empty()
    }

    pub fn set_phase(&mut self, key: &JobKey, phase: Phase) {
        if let Some(in_hand) = self.in_hand.get_mut(key) {
            in_hand.phase = phase;
        }
    }

    /// Takes the job out of hand, and remembers its end, if it has one. Returns its newest delivery.
    pub fn end(&mut self, key: &JobKey, ended: Option<Ended>, now: Instant) -> Option<Held<D>> {
        let InHand { feeding, delivery, delivered, .. } = self.in_hand.remove(key)?;
        if let Some(ended) = ended {
            let done = Done { epoch: feeding.epoch, attempt: feeding.attempt, ended, at: now };
            self.done.insert(*key, done, now);
        }
        Some(Held { delivery, is_later: delivered.order() > feeding.order() })
    }

    /// Returns true if another executor asked about the job lately: then it may have a copy.
    pub fn was_asked(&self, key: &JobKey, now: Instant) -> bool {
        self.asked.get(key).is_some_and(|at| now.duration_since(*at) < ASKED_FOR)
    }

    /// Returns the answer to another executor's question, and remembers that it was asked.
    pub fn answer(&mut self, asked: &Feeding, now: Instant) -> Holding {
        self.asked.insert(asked.key, now, now);
        match self.in_hand.get(&asked.key) {
            Some(in_hand) if in_hand.covers(asked) => in_hand.holding(),
            None if self.is_done(asked, now) => Holding::Done,
            Some(_) | None => Holding::Nothing,
        }
    }

    /// Returns the number of jobs in hand, by run.
    pub fn runs(&self) -> Vec<ExecutorRun> {
        let mut runs: HashMap<RunId, u32> = HashMap::new();
        for key in self.in_hand.keys() {
            *runs.entry(key.run_id).or_default() += 1;
        }
        runs.into_iter().map(|(run_id, jobs)| ExecutorRun { run_id, jobs }).collect()
    }

    fn is_done(&self, feeding: &Feeding, now: Instant) -> bool {
        self.done.get(&feeding.key).is_some_and(|done| done.covers(feeding, now))
    }
}

impl<D> InHand<D> {
    /// Returns true if the work in hand makes `other` superfluous. A later feeding may follow a deferral, and a later
    /// pass of the run follows the end of the pass before.
    fn covers(&self, other: &Feeding) -> bool {
        match self.phase {
            Phase::Waiting | Phase::Dropped | Phase::Working => other.epoch <= self.feeding.epoch,
            Phase::Deferring => other.order() <= self.feeding.order(),
        }
    }

    fn holding(&self) -> Holding {
        match self.phase {
            Phase::Waiting => Holding::Waiting,
            Phase::Dropped => Holding::Nothing,
            Phase::Working | Phase::Deferring => Holding::Working,
        }
    }
}

impl Done {
    fn covers(&self, other: &Feeding, now: Instant) -> bool {
        let (covered, lasts) = match self.ended {
            Ended::Finally => (other.epoch <= self.epoch, DONE_FOR),
            Ended::Deferred => (other.order() <= (self.epoch, self.attempt), DEFERRED_FOR),
        };
        covered && now.duration_since(self.at) < lasts
    }
}

#[cfg(test)]
mod tests {
    use runmill_proto::testing;

    use super::*;

    fn fed(ordinal: u32, epoch: u32, attempt: u32) -> Feeding {
        Feeding { key: testing::key(ordinal), epoch, attempt }
    }

    /// Returns a memory with one job in hand, whose delivery is 1.
    fn holding(feeding: Feeding) -> Memory<u32> {
        let mut memory = Memory::default();
        assert_eq!(memory.claim(feeding, 1, Instant::now()), Claim::New);
        memory
    }

    #[test]
    fn a_second_delivery_takes_the_place_of_the_first() {
        let (mut memory, now) = (holding(fed(1, 0, 0)), Instant::now());

        assert_eq!(memory.claim(fed(1, 0, 0), 2, now), Claim::Replaced(1));
        // The job was taken for lost, and fed again.
        assert_eq!(memory.claim(fed(1, 0, 1), 3, now), Claim::Replaced(2));

        let held = memory.end(&testing::key(1), Some(Ended::Finally), now);
        assert_eq!(held, Some(Held { delivery: 3, is_later: true }));
        assert_eq!(memory.claim(fed(1, 0, 0), 4, now), Claim::Stale(4));
    }

    #[test]
    fn a_job_that_ended_without_a_log_is_as_if_never_begun() {
        let (mut memory, now) = (holding(fed(1, 0, 0)), Instant::now());
        memory.end(&testing::key(1), None, now);
        assert_eq!(memory.claim(fed(1, 0, 0), 2, now), Claim::New);
    }

    #[test]
    fn what_follows_a_deferral_is_new_and_what_is_before_it_is_stale() {
        let (mut memory, now) = (holding(fed(1, 0, 3)), Instant::now());
        memory.set_phase(&testing::key(1), Phase::Deferring);

        assert_eq!(memory.claim(fed(1, 0, 4), 2, now), Claim::Ending(2));
        memory.end(&testing::key(1), Some(Ended::Deferred), now);

        assert_eq!(memory.claim(fed(1, 0, 3), 3, now), Claim::Stale(3));
        assert_eq!(memory.claim(fed(1, 0, 4), 4, now), Claim::New);
    }

    #[test]
    fn a_later_pass_of_the_run_is_new_and_an_earlier_one_is_stale() {
        let (mut memory, now) = (holding(fed(1, 1, 0)), Instant::now());
        assert_eq!(memory.claim(fed(1, 0, 9), 2, now), Claim::Stale(2));
        assert_eq!(memory.claim(fed(1, 2, 0), 3, now), Claim::Ending(3));
        memory.end(&testing::key(1), Some(Ended::Finally), now);
        assert_eq!(memory.claim(fed(1, 1, 9), 4, now), Claim::Stale(4));
        assert_eq!(memory.claim(fed(1, 2, 0), 5, now), Claim::New);
    }

    #[test]
    fn a_job_counts_as_done_only_for_some_time() {
        let (mut memory, begin) = (holding(fed(1, 0, 0)), Instant::now());
        memory.end(&testing::key(1), Some(Ended::Finally), begin);

        let later = begin + DONE_FOR;
        assert_eq!(memory.answer(&fed(1, 0, 0), later), Holding::Nothing);
        assert_eq!(memory.claim(fed(1, 0, 0), 2, later), Claim::New);
    }

    #[test]
    fn a_job_counts_as_deferred_for_a_shorter_time() {
        let (mut memory, begin) = (holding(fed(1, 0, 3)), Instant::now());
        memory.end(&testing::key(1), Some(Ended::Deferred), begin);

        assert_eq!(memory.answer(&fed(1, 0, 1), begin), Holding::Done);
        assert_eq!(memory.answer(&fed(1, 0, 1), begin + DEFERRED_FOR), Holding::Nothing);
    }

    #[test]
    fn others_are_told_what_is_in_hand_and_that_they_asked_is_remembered() {
        let (mut memory, now) = (holding(fed(1, 0, 0)), Instant::now());
        let key = testing::key(1);
        assert!(!memory.was_asked(&key, now));
        let mut told = |phase| {
            memory.set_phase(&key, phase);
            memory.answer(&fed(1, 0, 0), now)
        };

        assert_eq!(told(Phase::Waiting), Holding::Waiting);
        assert_eq!(told(Phase::Dropped), Holding::Nothing);
        assert_eq!(told(Phase::Working), Holding::Working);
        memory.end(&key, Some(Ended::Finally), now);
        assert_eq!(memory.answer(&fed(1, 0, 0), now), Holding::Done);
        assert_eq!(memory.answer(&fed(2, 0, 0), now), Holding::Nothing);
        assert!(memory.was_asked(&key, now) && memory.was_asked(&testing::key(2), now));
        assert!(!memory.was_asked(&key, now + ASKED_FOR));
    }

    #[test]
    fn jobs_in_hand_are_counted_by_run() {
        let (mut memory, now) = (holding(fed(1, 0, 0)), Instant::now());
        memory.claim(fed(2, 0, 0), 2, now);
        let run_id = testing::key(1).run_id;
        assert_eq!(memory.runs(), [ExecutorRun { run_id, jobs: 2 }]);
    }
}
