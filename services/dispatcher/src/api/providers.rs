use axum::{Json, extract::State, http::StatusCode};
use runmill_proto::{
    ProviderId,
    api::{
        ApiKeyView, HeaderView, NewProvider, Page, PageQuery, Problem, Provider, ProviderLimits,
        ProviderPatch,
    },
};
use runmill_store::{ProviderRow, SecretKind};

use super::{
    ApiState,
    audit::{Change, Changed},
    extract::{Body, Path, Query},
    page::PageRequest,
    problem::ApiError,
};
use crate::{caller::Caller, limits};

/// Add a provider
///
/// Its API keys and header values are encrypted at once and never shown again.
#[utoipa::path(post, path = "/providers", request_body = NewProvider,
    responses((status = 201, body = Provider), (status = 400, body = Problem), (status = 409, body = Problem)))]
pub async fn create(
    State(state): State<ApiState>,
    caller: Caller,
    Body(new): Body<NewProvider>,
) -> Result<Changed<(StatusCode, Json<Provider>)>, ApiError> {
    let row = state.providers.create(&caller, new).await?;
    let change = change("provider.create", &row).detail(row.name.clone());
    Ok(Changed(change, (StatusCode::CREATED, Json(view(&caller, row)))))
}

/// List providers
#[utoipa::path(get, path = "/providers", params(PageQuery),
    responses((status = 200, body = Page<Provider>), (status = 400, body = Problem)))]
pub async fn list(
    State(state): State<ApiState>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Provider>>, ApiError> {
    let page = PageRequest::<ProviderId>::try_from(query)?;
    let rows = caller.providers(&*state.store, page.after, page.limit).await?;
    Ok(Json(page.page(rows, |row| row.id, |row| view(&caller, row))))
}

/// Get a provider
#[utoipa::path(get, path = "/providers/{id}", params(("id" = ProviderId, Path)),
    responses((status = 200, body = Provider), (status = 404, body = Problem)))]
pub async fn get(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<ProviderId>,
) -> Result<Json<Provider>, ApiError> {
    let row = caller.provider(&*state.store, id).await?;
    Ok(Json(view(&caller, row)))
}

/// Get a provider's limits and their use
///
/// The limits hold for all executors together. Each executor has a share of every limit, which it leases from the store with
/// its heartbeat. The numbers are those of the last heartbeats, so they are up to two seconds old. Those of a shared provider
/// are shown to tokens of its own tenant.
#[utoipa::path(get, path = "/providers/{id}/limits", params(("id" = ProviderId, Path)),
    responses((status = 200, body = ProviderLimits), (status = 404, body = Problem)))]
pub async fn limits(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<ProviderId>,
) -> Result<Json<ProviderLimits>, ApiError> {
    let provider = caller.own_provider(&*state.store, id).await?;
    let (now, fleet) = state.store.fleet().await?;
    let budgets = limits::budgets(&*state.store, id, &provider.rate_limit, now).await?;
    Ok(Json(ProviderLimits { budgets, ..limits::view(id, &provider.rate_limit, &fleet, now) }))
}

/// Change a provider
///
/// A field that is absent keeps its value. Every executor applies the change within two seconds. A change of
/// `api_keys`, `headers`, `base_url` or `protocol` also resumes the runs that were paused because the provider refused
/// their calls.
#[utoipa::path(patch, path = "/providers/{id}", params(("id" = ProviderId, Path)), request_body = ProviderPatch,
    responses((status = 200, body = Provider), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub async fn patch(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<ProviderId>,
    Body(patch): Body<ProviderPatch>,
) -> Result<Changed<Json<Provider>>, ApiError> {
    let fields = changed_fields(&patch);
    let row = state.providers.patch(&caller, id, patch).await?;
    Ok(Changed(change("provider.change", &row).detail(fields), Json(view(&caller, row))))
}

/// Delete a provider and its keys
///
/// Fails with 409 while a run that uses the provider has not ended.
#[utoipa::path(delete, path = "/providers/{id}", params(("id" = ProviderId, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn delete(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<ProviderId>,
) -> Result<Changed<StatusCode>, ApiError> {
    let row = state.providers.delete(&caller, id).await?;
    Ok(Changed(change("provider.delete", &row).detail(row.name.clone()), StatusCode::NO_CONTENT))
}

fn change(action: &'static str, row: &ProviderRow) -> Change {
    Change::new(action, &row.tenant).of(row.id)
}

/// Returns the names of the fields that a patch has, for the audit log: their values may be secret.
fn changed_fields(patch: &ProviderPatch) -> String {
    let fields = [
        ("name", patch.name.is_some()),
        ("protocol", patch.protocol.is_some()),
        ("base_url", patch.base_url.is_some()),
        ("proxy", patch.proxy.is_some()),
        ("api_keys", patch.api_keys.is_some()),
        ("headers", patch.headers.is_some()),
        ("capabilities", patch.capabilities.is_some()),
        ("rate_limit", patch.rate_limit.is_some()),
        ("request", patch.request.is_some()),
        ("retry", patch.retry.is_some()),
        ("shared", patch.shared.is_some()),
    ];
    let names: Vec<_> = fields.into_iter().filter_map(|(name, is_there)| is_there.then_some(name)).collect();
    names.join(", ")
}

/// Converts a provider to the form that the API returns. Another tenant's is shown without its keys, headers and proxy.
pub fn view(caller: &Caller, row: ProviderRow) -> Provider {
    let is_own = caller.sees(&row.tenant);
    let secrets = if is_own { row.secrets } else { Vec::new() };
    let (keys, headers): (Vec<_>, Vec<_>) =
        secrets.into_iter().partition(|secret| secret.kind == SecretKind::ApiKey);
    Provider {
        id: row.id,
        tenant: row.tenant,
        shared: row.shared,
        name: row.name,
        kind: row.kind,
        protocol: row.protocol.unwrap_or(row.kind.default_protocol()),
        base_url: row.base_url,
        proxy: row.proxy.filter(|_| is_own),
        api_keys: keys
            .into_iter()
            .map(|key| ApiKeyView { label: key.name, masked: key.masked, weight: key.weight })
            .collect(),
        headers: headers.into_iter().map(|h| HeaderView { name: h.name, masked: h.masked }).collect(),
        capabilities: row.capabilities,
        rate_limit: row.rate_limit,
        request: row.settings.request,
        retry: row.settings.retry,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}
