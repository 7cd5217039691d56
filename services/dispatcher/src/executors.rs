use std::collections::HashSet;

use runmill_proto::{ProviderId, RunId, api::ExecutorStatus};
use runmill_runtime::Clock;
use runmill_store::{DispatcherStore, ExecutorReader, StoreError};

use crate::caller::Caller;

/// Returns the executors that are alive, as their last heartbeats reported them.
pub async fn alive(
    store: &(impl ExecutorReader + ?Sized),
    clock: &Clock,
) -> Result<Vec<ExecutorStatus>, StoreError> {
    store.executors(clock.now() - ExecutorStatus::ALIVE_FOR).await
}

/// Returns true if an executor that is alive, and does not stop, can run LightEval.
pub async fn has_lighteval(
    store: &(impl ExecutorReader + ?Sized),
    clock: &Clock,
) -> Result<bool, StoreError> {
    Ok(alive(store, clock).await?.iter().any(|executor| executor.lighteval && !executor.draining))
}

/// Number of providers that one query reads.
const PAGE: u32 = 1_000;

/// Returns the executors without the providers and runs of other tenants.
pub async fn visible(
    store: &dyn DispatcherStore,
    caller: &Caller,
    mut executors: Vec<ExecutorStatus>,
) -> Result<Vec<ExecutorStatus>, StoreError> {
    if caller.tenant.is_none() {
        return Ok(executors);
    }
    let providers = own_providers(store, caller).await?;
    let runs = own_runs(store, caller, &executors).await?;
    for executor in &mut executors {
        executor.lanes.retain(|lane| providers.contains(&lane.provider_id));
        executor.runs.retain(|run| runs.contains(&run.run_id));
    }
    Ok(executors)
}

/// Returns the providers that exist for the token.
pub async fn own_providers(
    store: &dyn DispatcherStore,
    caller: &Caller,
) -> Result<HashSet<ProviderId>, StoreError> {
    let (mut own, mut after) = (HashSet::new(), None);
    loop {
        let page = caller.providers(store, after, PAGE).await?;
        own.extend(page.iter().filter(|row| caller.sees(&row.tenant)).map(|row| row.id));
        if page.len() < PAGE as usize {
            return Ok(own);
        }
        after = page.last().map(|row| row.id);
    }
}

async fn own_runs(
    store: &dyn DispatcherStore,
    caller: &Caller,
    executors: &[ExecutorStatus],
) -> Result<HashSet<RunId>, StoreError> {
    let ids: HashSet<_> = executors.iter().flat_map(|it| &it.runs).map(|run| run.run_id).collect();
    let rows = store.run_rows(&ids.into_iter().collect::<Vec<_>>()).await?;
    Ok(rows.iter().filter(|row| caller.sees(&row.submission.tenant)).map(|row| row.id).collect())
}
