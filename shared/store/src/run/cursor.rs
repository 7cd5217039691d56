use crate::columns::columns;

/// How far a run is fed to its lane's queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Positions that were published at least once. Position `sample * items + ordinal` is a job.
    pub fed: u64,
    /// Jobs that wait for their time to be fed again.
    pub deferred: u64,
    /// Number of the pass. It grows when failed jobs are tried again; results of an earlier pass are not recorded.
    pub epoch: u32,
}

columns! {
    Cursor {
        updated fed,
        updated deferred,
        updated epoch,
    }
}
