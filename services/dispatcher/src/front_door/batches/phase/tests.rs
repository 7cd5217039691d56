use runmill_proto::{DatasetId, ProviderId, RunId, Tenant, testing};
use runmill_store::BatchProtocol;
use uuid::Uuid;

use super::*;

fn batch() -> BatchRow {
    BatchRow {
        id: RunId::from_uuid(Uuid::nil()),
        tenant: Tenant::default(),
        token_id: None,
        dataset_id: DatasetId::from_uuid(Uuid::nil()),
        version_hash: String::new(),
        protocol: BatchProtocol::Openai,
        endpoint: String::new(),
        model: String::new(),
        completion_window: String::new(),
        metadata: None,
        faults: None,
        total: 5,
        request_key: None,
        created_at: Timestamp::UNIX_EPOCH,
        expires_at: Timestamp::UNIX_EPOCH,
        expired_at: None,
        output_hidden: false,
        errors_hidden: false,
    }
}

fn run(status: RunStatus, canceled: bool) -> RunRow {
    let new = testing::new_run(ProviderId::from_uuid(Uuid::nil()), DatasetId::from_uuid(Uuid::nil()));
    let row = RunRow::new(RunId::from_uuid(Uuid::nil()), new, 5, Timestamp::UNIX_EPOCH);
    let cancel_requested_at = canceled.then_some(Timestamp::UNIX_EPOCH);
    RunRow { status, cancel_requested_at, ..row }
}

#[test]
fn a_batch_is_in_the_phase_of_its_run() {
    let table = [
        // status, cancel requested, window over, phase
        (RunStatus::Pending, false, false, Phase::InProgress),
        (RunStatus::Running, false, false, Phase::InProgress),
        // The mark comes before the cancel.
        (RunStatus::Running, false, true, Phase::InProgress),
        (RunStatus::Running, true, false, Phase::Canceling),
        (RunStatus::Running, true, true, Phase::Expiring),
        (RunStatus::Canceled, true, false, Phase::Canceled),
        (RunStatus::Canceled, true, true, Phase::Expired),
        // The last call in flight answered the last line.
        (RunStatus::Completed, true, true, Phase::Completed),
        (RunStatus::Completed, false, false, Phase::Completed),
        (RunStatus::Failed, false, false, Phase::Completed),
    ];
    for (status, canceled, expired, want) in table {
        let batch = BatchRow { expired_at: expired.then_some(Timestamp::UNIX_EPOCH), ..batch() };
        let phase = Phase::of(&batch, Some(&run(status, canceled)));
        assert_eq!(phase, want, "{status} {canceled} {expired}");
        assert_eq!(phase.is_over(), status.is_terminal(), "{status}");
    }
    assert_eq!(Phase::of(&batch(), None), Phase::Refused);
}
