use crate::columns::columns;

/// State of the feeding of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Number of positions whose jobs were published at least once. A job's position is `sample * items + ordinal`.
    pub fed: u64,
    /// Number of jobs that wait for the time at which they are fed again.
    pub deferred: u64,
    /// Number of the pass. It is incremented when failed jobs are retried; results of an earlier pass are not
    /// recorded.
    pub epoch: u32,
}

columns! {
    Cursor {
        updated fed,
        updated deferred,
        updated epoch,
    }
}
