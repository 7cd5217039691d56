use axum::{Json, extract::State, http::StatusCode};
use runmill_proto::{
    Tenant, TokenId,
    api::{CreatedToken, NewToken, Page, PageQuery, Problem, Token, TokenPatch},
};

use super::{
    ApiState,
    audit::{Change, Changed},
    extract::{Body, Path, Query},
    page::PageRequest,
    problem::ApiError,
};
use crate::caller::Caller;

/// Create a token
///
/// The answer has the token itself (`secret`), which is not stored and not shown again. An admin of a tenant creates tokens
/// of this tenant.
#[utoipa::path(post, path = "/tokens", request_body = NewToken,
    responses((status = 201, body = CreatedToken), (status = 400, body = Problem)))]
pub async fn create(
    State(state): State<ApiState>,
    caller: Caller,
    Body(new): Body<NewToken>,
) -> Result<Changed<(StatusCode, Json<CreatedToken>)>, ApiError> {
    let created = state.token_changes.create(&caller, new).await?;
    let change = change("token.create", &created.token);
    Ok(Changed(change, (StatusCode::CREATED, Json(created))))
}

/// List tokens, without their secrets
///
/// Tokens that expired or were revoked are listed, too. An admin of a tenant sees the tokens of this tenant.
#[utoipa::path(get, path = "/tokens", params(PageQuery),
    responses((status = 200, body = Page<Token>), (status = 400, body = Problem)))]
pub async fn list(
    State(state): State<ApiState>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Token>>, ApiError> {
    let page = PageRequest::<TokenId>::try_from(query)?;
    let rows = state.store.tokens(caller.tenant.as_ref(), page.after, page.limit).await?;
    let tokens = state.token_changes.views(rows).await?;
    Ok(Json(page.page(tokens, |token| token.id, |token| token)))
}

/// Change the budget of a token
///
/// Runs that are paused because the old budget was used up resume. What they have used stays used. Idempotent.
#[utoipa::path(patch, path = "/tokens/{id}", request_body = TokenPatch, params(("id" = TokenId, Path)),
    responses((status = 200, body = Token), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn patch(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<TokenId>,
    Body(patch): Body<TokenPatch>,
) -> Result<Changed<Json<Token>>, ApiError> {
    let token = state.token_changes.patch(&caller, id, patch).await?;
    Ok(Changed(change("token.change", &token), Json(token)))
}

/// Revoke a token
///
/// The server that gets the request refuses the token from then on, and every other within five seconds. Idempotent.
#[utoipa::path(post, path = "/tokens/{id}/revoke", params(("id" = TokenId, Path)),
    responses((status = 200, body = Token), (status = 404, body = Problem)))]
pub async fn revoke(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<TokenId>,
) -> Result<Changed<Json<Token>>, ApiError> {
    let token = state.token_changes.revoke(&caller, id).await?;
    state.tokens.forget(id);
    Ok(Changed(change("token.revoke", &token), Json(token)))
}

fn change(action: &'static str, token: &Token) -> Change {
    let tenant = token.tenant.clone().unwrap_or_default();
    let scope = token.tenant.as_ref().map_or("all tenants", Tenant::as_str);
    Change::new(action, &tenant).of(token.id).detail(format!("{} ({}, {scope})", token.name, token.role))
}
