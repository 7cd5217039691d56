//! Records who changed what, and lists it.

use std::fmt::Display;

use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};
use jiff::SignedDuration;
use runmill_proto::{
    AuditId, Tenant,
    api::{AuditEntry, Page, PageQuery, Problem},
};
use tracing::Instrument as _;
use uuid::{NoContext, Uuid};

use super::{ApiState, extract::Query, page::PageRequest, problem::ApiError};
use crate::caller::Caller;

/// Time for which an entry is kept.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(400 * 24);

/// A change that a handler made, for the audit log. It has no secret.
#[derive(Clone, Debug)]
pub struct Change {
    action: &'static str,
    tenant: Tenant,
    object: Option<String>,
    detail: Option<String>,
}

/// Response to a request that made a change.
pub struct Changed<T>(pub Change, pub T);

impl Change {
    /// States a change of something that belongs to `tenant`.
    pub fn new(action: &'static str, tenant: &Tenant) -> Self {
        Self { action, tenant: tenant.clone(), object: None, detail: None }
    }

    pub fn of(self, id: impl Display) -> Self {
        Self { object: Some(id.to_string()), ..self }
    }

    pub fn detail(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }
}

impl<T: IntoResponse> IntoResponse for Changed<T> {
    fn into_response(self) -> Response {
        let Self(change, response) = self;
        let mut response = response.into_response();
        response.extensions_mut().insert(change);
        response
    }
}

/// Appends the change that a request made to the log before its response is sent.
///
/// A request that may change something is carried out in a task of its own, so that a client that hangs up cannot prevent the entry.
pub async fn record(State(state): State<ApiState>, caller: Caller, request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        let response = next.run(request).await;
        return record_disclosure(&state, caller, response).await;
    }
    let changing = async move {
        let response = next.run(request).await;
        if let Some(change) = response.extensions().get::<Change>() {
            append(&state, caller, change.clone()).await;
        }
        response
    };
    match tokio::spawn(changing.in_current_span()).await {
        Ok(response) => response,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => {
                ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "this server is stopping").into_response()
            }
        },
    }
}

/// Appends the disclosure of a secret to the log. Without the entry, the secret does not leave.
async fn record_disclosure(state: &ApiState, caller: Caller, response: Response) -> Response {
    let Some(change) = response.extensions().get::<Change>().cloned() else { return response };
    if append(state, caller, change).await {
        return response;
    }
    let detail = "the audit log cannot be written now; try again in a few seconds";
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, detail).into_response()
}

/// Writes an entry. Returns false if the store does not take it: the entry of a change that is made already then goes to the
/// process's log.
async fn append(state: &ApiState, caller: Caller, change: Change) -> bool {
    let at = state.clock.now();
    let entry = AuditEntry {
        id: AuditId::from_uuid(Uuid::now_v7()),
        at,
        tenant: change.tenant,
        token: caller.name,
        token_id: caller.id,
        action: change.action.to_owned(),
        object: change.object,
        detail: change.detail,
    };
    let seconds = (at - KEPT_FOR).as_second().try_into().unwrap_or_default();
    let oldest = Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, 0));
    let appended = state.store.append_audit(&entry, AuditId::from_uuid(oldest)).await;
    if let Err(error) = &appended {
        tracing::error!(event = "audit.not_written", ?entry, %error);
    }
    appended.is_ok()
}

/// List the changes that tokens made, newest first
///
/// An admin of a tenant sees what belongs to this tenant. Entries are kept for 400 days.
#[utoipa::path(get, path = "/audit", params(PageQuery),
    responses((status = 200, body = Page<AuditEntry>), (status = 400, body = Problem)))]
pub async fn list(
    State(state): State<ApiState>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<AuditEntry>>, ApiError> {
    let page = PageRequest::<AuditId>::try_from(query)?;
    let rows = state.store.audit(caller.tenant.as_ref(), page.after, page.limit).await?;
    Ok(Json(page.page(rows, |entry| entry.id, |entry| entry)))
}
