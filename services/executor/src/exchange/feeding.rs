use runmill_proto::message::{Job, JobKey};
use runmill_store::Ask;

/// One feeding of a job: the pass of its run, and the number of the feeding in that pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feeding {
    pub key: JobKey,
    pub epoch: u32,
    pub attempt: u32,
}

impl Feeding {
    /// Returns the place of the feeding among those of its job. A later feeding replaces the earlier ones.
    pub const fn order(&self) -> (u32, u32) {
        (self.epoch, self.attempt)
    }
}

impl From<&Job> for Feeding {
    fn from(job: &Job) -> Self {
        Self { key: job.key(), epoch: job.epoch, attempt: job.attempt }
    }
}

impl From<&Ask> for Feeding {
    fn from(ask: &Ask) -> Self {
        Self { key: ask.job, epoch: ask.epoch, attempt: ask.attempt }
    }
}
