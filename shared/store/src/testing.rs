//! One plain value of each row, for tests. A test states the fields that matter to it and takes the others from here.

use jiff::Timestamp;
use runmill_proto::{DatasetId, ProviderId, RunId, api::ExecutorStatus, testing};
use uuid::Uuid;

use crate::{Beat, Claim, RunRow, Talk};

/// Returns a run of `total` jobs none of which was fed, of a provider and a dataset that no store has.
pub fn run(id: RunId, total: u64) -> RunRow {
    run_of(id, ProviderId::from_uuid(Uuid::nil()), DatasetId::from_uuid(Uuid::nil()), total)
}

/// Returns a run of `total` jobs none of which was fed.
pub fn run_of(id: RunId, provider_id: ProviderId, dataset_id: DatasetId, total: u64) -> RunRow {
    RunRow::new(id, testing::new_run(provider_id, dataset_id), total, Timestamp::UNIX_EPOCH)
}

/// Returns the heartbeat of an executor that says and claims nothing.
pub fn beat(status: ExecutorStatus) -> Beat {
    Beat { status, talk: Talk::default(), claim: Claim::default() }
}
