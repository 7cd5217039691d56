use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use runmill_proto::message::{Job, JobKey};
use tokio::{sync::watch, time::Instant};

/// Identifies one feeding of a job: key, pass of the run, and number of the feeding.
type Feeding = (JobKey, u32, u32);

/// Maximum number of jobs whose end is remembered after their log was confirmed.
const REMEMBERED_MAX: usize = 10_000;
/// Time for which a job's end is remembered. After a broken connection, jobs are redelivered sooner than this. A lost
/// job is fed again later than this, perhaps under the same numbers, and must not count as done.
const REMEMBERED_FOR: Duration = Duration::from_mins(1);

/// The jobs that this executor works on, and those that it ended a short time ago.
///
/// After a broken connection, unacked jobs are redelivered while their calls go on. An executor that remembers them
/// does not pay for them again.
#[derive(Clone, Default)]
pub struct Recent(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    in_progress: HashMap<Feeding, watch::Receiver<bool>>,
    done: HashSet<Feeding>,
    order: VecDeque<(Instant, Feeding)>,
}

/// State of a job that was just delivered, as far as this executor knows.
pub enum Claim {
    /// The job is new to this executor. The caller works on it.
    New(Working),
    /// The executor works on another delivery of the job: wait for [`Elsewhere::done`].
    InProgress(Elsewhere),
    /// The log of the job is confirmed.
    Done,
}

/// Claim on a job while it is worked on. Dropped before [`Working::done`], it frees the job for another delivery.
pub struct Working {
    recent: Recent,
    feeding: Feeding,
    end: watch::Sender<bool>,
}

/// The same job under another delivery.
pub struct Elsewhere(watch::Receiver<bool>);

impl Recent {
    pub fn claim(&self, job: &Job) -> Claim {
        let feeding = (job.key(), job.epoch, job.attempt);
        let mut inner = self.lock();
        inner.forget_old(Instant::now());
        if inner.done.contains(&feeding) {
            return Claim::Done;
        }
        if let Some(end) = inner.in_progress.get(&feeding) {
            return Claim::InProgress(Elsewhere(end.clone()));
        }
        let (end, receiver) = watch::channel(false);
        inner.in_progress.insert(feeding, receiver);
        Claim::New(Working { recent: self.clone(), feeding, end })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn forget_old(&mut self, now: Instant) {
        let surplus = self.order.len().saturating_sub(REMEMBERED_MAX);
        let old =
            self.order.iter().take_while(|(done, _)| now.duration_since(*done) >= REMEMBERED_FOR).count();
        for (_, feeding) in self.order.drain(..old.max(surplus)) {
            self.done.remove(&feeding);
        }
    }
}

impl Working {
    /// Marks the job as ended: its log is confirmed.
    pub fn done(self) {
        let mut inner = self.recent.lock();
        inner.done.insert(self.feeding);
        let now = Instant::now();
        inner.order.push_back((now, self.feeding));
        inner.forget_old(now);
        drop(inner);
        self.end.send_replace(true);
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.recent.lock().in_progress.remove(&self.feeding);
    }
}

impl Elsewhere {
    /// Waits for the end of the other delivery. Returns true if its log was confirmed.
    pub async fn done(mut self) -> bool {
        self.0.wait_for(|done| *done).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use runmill_proto::testing;

    use super::*;

    fn job(ordinal: u32, attempt: u32) -> Job {
        Job { attempt, ..testing::job(testing::key(ordinal)) }
    }

    fn claim_new(recent: &Recent, job: &Job) -> Working {
        match recent.claim(job) {
            Claim::New(working) => working,
            Claim::InProgress(_) | Claim::Done => panic!("the job is known"),
        }
    }

    #[tokio::test]
    async fn a_second_delivery_waits_for_the_first_to_be_done() {
        let recent = Recent::default();
        let first = claim_new(&recent, &job(1, 0));
        let Claim::InProgress(second) = recent.claim(&job(1, 0)) else { panic!("it is in progress") };

        first.done();

        assert!(second.done().await);
        assert!(matches!(recent.claim(&job(1, 0)), Claim::Done));
    }

    #[tokio::test]
    async fn an_interrupted_job_is_as_if_never_begun() {
        let recent = Recent::default();
        let first = claim_new(&recent, &job(1, 0));
        let Claim::InProgress(second) = recent.claim(&job(1, 0)) else { panic!("it is in progress") };

        drop(first);

        assert!(!second.done().await);
        claim_new(&recent, &job(1, 0));
    }

    #[test]
    fn a_job_fed_again_is_another() {
        let recent = Recent::default();
        claim_new(&recent, &job(1, 0)).done();
        claim_new(&recent, &job(1, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_was_lost_and_is_fed_again_is_done_again() {
        let recent = Recent::default();
        claim_new(&recent, &job(1, 1)).done();
        tokio::time::advance(REMEMBERED_FOR / 2).await;
        claim_new(&recent, &job(2, 1)).done();

        tokio::time::advance(REMEMBERED_FOR / 2).await;

        claim_new(&recent, &job(1, 1));
        assert!(matches!(recent.claim(&job(2, 1)), Claim::Done));
    }

    #[test]
    fn only_so_many_are_remembered() {
        let recent = Recent::default();
        for ordinal in 0..=u32::try_from(REMEMBERED_MAX).unwrap() {
            claim_new(&recent, &job(ordinal, 0)).done();
        }
        assert_eq!(recent.lock().done.len(), REMEMBERED_MAX);
        claim_new(&recent, &job(0, 0));
    }
}
