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
    extract::{Body, Path, Query},
    page::PageRequest,
    problem::ApiError,
};
use crate::limits;

/// Add a provider
///
/// Its API keys and header values are encrypted at once and never shown again.
#[utoipa::path(post, path = "/providers", request_body = NewProvider,
    responses((status = 201, body = Provider), (status = 400, body = Problem), (status = 409, body = Problem)))]
pub async fn create(
    State(state): State<ApiState>,
    Body(new): Body<NewProvider>,
) -> Result<(StatusCode, Json<Provider>), ApiError> {
    let row = state.providers.create(new).await?;
    Ok((StatusCode::CREATED, Json(view(row))))
}

/// List providers
#[utoipa::path(get, path = "/providers", params(PageQuery),
    responses((status = 200, body = Page<Provider>), (status = 400, body = Problem)))]
pub async fn list(
    State(state): State<ApiState>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Provider>>, ApiError> {
    let page = PageRequest::<ProviderId>::try_from(query)?;
    let rows = state.store.providers(page.after, page.limit).await?;
    Ok(Json(page.page(rows, |row| row.id, view)))
}

/// Get a provider
#[utoipa::path(get, path = "/providers/{id}", params(("id" = ProviderId, Path)),
    responses((status = 200, body = Provider), (status = 404, body = Problem)))]
pub async fn get(
    State(state): State<ApiState>,
    Path(id): Path<ProviderId>,
) -> Result<Json<Provider>, ApiError> {
    Ok(Json(view(state.store.provider(id).await?)))
}

/// Get a provider's limits and their use
///
/// The limits hold for all executors together. Each executor has a share of every limit, which it leases from the store with
/// its heartbeat. The numbers are those of the last heartbeats, so they are up to two seconds old.
#[utoipa::path(get, path = "/providers/{id}/limits", params(("id" = ProviderId, Path)),
    responses((status = 200, body = ProviderLimits), (status = 404, body = Problem)))]
pub async fn limits(
    State(state): State<ApiState>,
    Path(id): Path<ProviderId>,
) -> Result<Json<ProviderLimits>, ApiError> {
    let provider = state.store.provider(id).await?;
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
    Path(id): Path<ProviderId>,
    Body(patch): Body<ProviderPatch>,
) -> Result<Json<Provider>, ApiError> {
    Ok(Json(view(state.providers.patch(id, patch).await?)))
}

/// Delete a provider and its keys
///
/// Fails with 409 while a run that uses the provider has not ended.
#[utoipa::path(delete, path = "/providers/{id}", params(("id" = ProviderId, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn delete(
    State(state): State<ApiState>,
    Path(id): Path<ProviderId>,
) -> Result<StatusCode, ApiError> {
    state.providers.delete(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn view(row: ProviderRow) -> Provider {
    let (keys, headers): (Vec<_>, Vec<_>) =
        row.secrets.into_iter().partition(|secret| secret.kind == SecretKind::ApiKey);
    Provider {
        id: row.id,
        name: row.name,
        kind: row.kind,
        protocol: row.protocol.unwrap_or(row.kind.default_protocol()),
        base_url: row.base_url,
        proxy: row.proxy,
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
