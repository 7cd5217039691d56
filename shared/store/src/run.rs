use crate::{RunRow, StoreError};

/// The run that an idempotency key stands for, if `asked` asks for the same.
pub fn same_request(existing: RunRow, asked: &RunRow) -> Result<RunRow, StoreError> {
    let is_same = existing.provider_id == asked.provider_id
        && existing.model == asked.model
        && existing.dataset_id == asked.dataset_id
        && existing.config == asked.config;
    if is_same {
        return Ok(existing);
    }
    Err(StoreError::Conflict(format!(
        "the idempotency key was used for run {}, which has another provider, model, dataset or config",
        existing.id
    )))
}

/// How many items the run's dataset has.
pub fn item_count(row: &RunRow) -> u64 {
    row.total / u64::from(row.config.samples())
}
