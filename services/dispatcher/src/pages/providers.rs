use axum::extract::State;
use runmill_pages::{ProviderView, ProvidersPage};
use runmill_proto::api::ProviderLimits;

use super::{Pages, Shown, viewer};
use crate::{
    api::{ApiError, executors, providers},
    caller::Caller,
    limits,
};

/// Largest number of providers that the page shows.
const PROVIDERS_MAX: u32 = 100;

pub async fn page(State(pages): State<Pages>, caller: Caller) -> Result<Shown, ApiError> {
    let store = &*pages.api.store;
    let rows = caller.providers(store, None, PROVIDERS_MAX).await?;
    let (now, fleet) = store.fleet().await?;
    let mut views = Vec::with_capacity(rows.len());
    for row in rows {
        let limits = if caller.owns(&row) {
            let budgets = limits::budgets(store, row.id, &row.rate_limit, now).await?;
            Some(ProviderLimits { budgets, ..limits::view(row.id, &row.rate_limit, &fleet, now) })
        } else {
            None
        };
        views.push(ProviderView { provider: providers::view(&caller, row), limits });
    }
    let executors = executors::list(State(pages.api.clone()), caller.clone()).await?.0;
    let viewer = viewer(&caller);
    let page = ProvidersPage {
        viewer: &viewer,
        providers: &views,
        executors: &executors,
        now: pages.api.clock.now(),
    };
    let page = page.page();
    Ok(Shown(page, viewer))
}
