use std::collections::{BTreeMap, HashSet};

use axum::{
    Json,
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode},
};
use runmill_config::AddressRules;
use runmill_proto::{
    ConfigFault, ProviderId,
    api::{
        ApiKeyView, HeaderView, NewApiKey, NewProvider, Page, PageQuery, Problem, ProblemError, Provider,
        ProviderPatch, SettingsOverride,
    },
    message::Control,
};
use runmill_store::{ActiveRun, ProviderRow, SealedSecret, SecretKind, StoreError};
use runmill_vault::{Owner, Sealer, mask};
use uuid::Uuid;

use super::{
    ApiState, base_url,
    extract::{Body, Path, Query},
    page::PageRequest,
    problem::{ApiError, fault},
};

/// Add a provider
///
/// Its keys and header values are sealed at once, and never shown again.
#[utoipa::path(post, path = "/providers", request_body = NewProvider,
    responses((status = 201, body = Provider), (status = 400, body = Problem), (status = 409, body = Problem)))]
pub async fn create(
    State(state): State<ApiState>,
    Body(new): Body<NewProvider>,
) -> Result<(StatusCode, Json<Provider>), ApiError> {
    let mut faults = check_keys(&new.api_keys);
    faults.extend(check_headers(&new.headers));
    faults.extend(check_name(&new.name));
    faults.extend(check_settings(new.rate_limit.faults()));
    faults.extend(check_settings(new.request.faults()));
    faults.extend(check_settings(new.retry.faults()));
    let base_url = base_url::check(&new.base_url, state.address_rules).unwrap_or_else(|detail| {
        faults.push(fault("/base_url", detail));
        String::new()
    });
    if !faults.is_empty() {
        return Err(ApiError::invalid(faults));
    }
    let now = state.clock.now();
    let mut secrets = seal_keys(&state.sealer, &new.api_keys);
    secrets.extend(seal_headers(&state.sealer, &new.headers));
    let row = ProviderRow {
        id: ProviderId::from_uuid(Uuid::now_v7()),
        name: new.name,
        kind: new.kind,
        protocol: new.protocol,
        base_url,
        secrets,
        capabilities: new.capabilities,
        rate_limit: new.rate_limit,
        settings: SettingsOverride { request: new.request, retry: new.retry },
        version: 1,
        created_at: now,
        updated_at: now,
    };
    state.store.create_provider(&row).await?;
    state.steering.announce(Control::ProviderChanged { provider_id: row.id }).await;
    Ok((StatusCode::CREATED, Json(view(row))))
}

/// All providers
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

/// One provider
#[utoipa::path(get, path = "/providers/{id}", params(("id" = ProviderId, Path)),
    responses((status = 200, body = Provider), (status = 404, body = Problem)))]
pub async fn get(
    State(state): State<ApiState>,
    Path(id): Path<ProviderId>,
) -> Result<Json<Provider>, ApiError> {
    Ok(Json(view(state.store.provider(id).await?)))
}

/// Change a provider
///
/// What is absent stays. Reaches every executor within two seconds. New keys or headers, or another address or protocol,
/// also resume the provider's runs that would have resumed by themselves later.
#[utoipa::path(patch, path = "/providers/{id}", params(("id" = ProviderId, Path)), request_body = ProviderPatch,
    responses((status = 200, body = Provider), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub async fn patch(
    State(state): State<ApiState>,
    Path(id): Path<ProviderId>,
    Body(patch): Body<ProviderPatch>,
) -> Result<Json<Provider>, ApiError> {
    let gives_hope = patch.api_keys.is_some()
        || patch.headers.is_some()
        || patch.base_url.is_some()
        || patch.protocol.is_some();
    let row = apply(&state.sealer, state.address_rules, state.store.provider(id).await?, patch)?;
    let row = ProviderRow { version: row.version + 1, updated_at: state.clock.now(), ..row };
    state.store.update_provider(&row).await?;
    state.steering.announce(Control::ProviderChanged { provider_id: id }).await;
    if gives_hope && let Err(error) = resume_runs(&state, id).await {
        // The change is made; the runs resume when their time comes.
        tracing::warn!(event = "provider.runs_not_resumed", provider_id = %id, %error);
    }
    Ok(Json(view(row)))
}

/// Remove a provider and its keys
///
/// Refused while a run of it has not ended.
#[utoipa::path(delete, path = "/providers/{id}", params(("id" = ProviderId, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn delete(
    State(state): State<ApiState>,
    Path(id): Path<ProviderId>,
) -> Result<StatusCode, ApiError> {
    state.store.delete_provider(id).await?;
    state.steering.announce(Control::ProviderChanged { provider_id: id }).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Resumes the provider's runs that would resume by themselves.
async fn resume_runs(state: &ApiState, id: ProviderId) -> Result<(), StoreError> {
    for ActiveRun { run, .. } in state.store.active_runs().await? {
        if run.submission.provider_id == id && run.resume_at().is_some() {
            state.steering.resume_by_itself(run.id).await?;
        }
    }
    Ok(())
}

fn apply(
    sealer: &Sealer,
    rules: AddressRules,
    mut row: ProviderRow,
    patch: ProviderPatch,
) -> Result<ProviderRow, ApiError> {
    let mut faults = Vec::new();
    if let Some(name) = patch.name {
        faults.extend(check_name(&name));
        row.name = name;
    }
    if let Some(base_url) = patch.base_url {
        match base_url::check(&base_url, rules) {
            Ok(base_url) => row.base_url = base_url,
            Err(detail) => faults.push(fault("/base_url", detail)),
        }
    }
    if let Some(keys) = patch.api_keys {
        faults.extend(check_keys(&keys));
        row.secrets.retain(|secret| secret.kind != SecretKind::ApiKey);
        row.secrets.extend(seal_keys(sealer, &keys));
    }
    if let Some(headers) = patch.headers {
        faults.extend(check_headers(&headers));
        row.secrets.retain(|secret| secret.kind != SecretKind::Header);
        row.secrets.extend(seal_headers(sealer, &headers));
    }
    if let Some(rate_limit) = patch.rate_limit {
        faults.extend(check_settings(rate_limit.faults()));
        row.rate_limit = rate_limit;
    }
    if let Some(request) = patch.request {
        faults.extend(check_settings(request.faults()));
        row.settings.request = request;
    }
    if let Some(retry) = patch.retry {
        faults.extend(check_settings(retry.faults()));
        row.settings.retry = retry;
    }
    row.protocol = patch.protocol.or(row.protocol);
    row.capabilities = patch.capabilities.unwrap_or(row.capabilities);
    if faults.is_empty() { Ok(row) } else { Err(ApiError::invalid(faults)) }
}

fn seal_keys(sealer: &Sealer, keys: &[NewApiKey]) -> Vec<SealedSecret> {
    let seal_key = |key: &NewApiKey| SealedSecret {
        weight: key.weight,
        ..seal(sealer, SecretKind::ApiKey, &key.label, &key.value)
    };
    keys.iter().map(seal_key).collect()
}

fn seal_headers(sealer: &Sealer, headers: &BTreeMap<String, String>) -> Vec<SealedSecret> {
    headers.iter().map(|(name, value)| seal(sealer, SecretKind::Header, name, value)).collect()
}

fn seal(sealer: &Sealer, kind: SecretKind, name: &str, value: &str) -> SealedSecret {
    let id = Uuid::now_v7();
    SealedSecret {
        id,
        kind,
        name: name.to_owned(),
        sealed: sealer.seal(Owner::provider_secret(id), &value.into()),
        masked: mask(value),
        weight: 1,
    }
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

const NAME_CHARS_MAX: usize = 200;

fn check_name(name: &str) -> Option<ProblemError> {
    let chars = name.chars().count();
    (!(1..=NAME_CHARS_MAX).contains(&chars))
        .then(|| fault("/name", format!("must have from 1 to {NAME_CHARS_MAX} characters")))
}

/// A key travels in a header, so it must be fit for one.
fn check_keys(keys: &[NewApiKey]) -> Vec<ProblemError> {
    let mut labels = HashSet::new();
    let mut faults = Vec::new();
    for (n, key) in keys.iter().enumerate() {
        if key.label.is_empty() || !labels.insert(&key.label) {
            faults.push(fault(
                &format!("/api_keys/{n}/label"),
                "must be there, and differ from the other keys'",
            ));
        }
        if key.value.is_empty() || HeaderValue::from_str(&key.value).is_err() {
            faults.push(fault(&format!("/api_keys/{n}/value"), "must be visible ASCII characters"));
        }
        let weight = NewApiKey::WEIGHT.fault(format!("/api_keys/{n}/weight"), Some(key.weight));
        faults.extend(check_settings(weight));
    }
    faults
}

fn check_headers(headers: &BTreeMap<String, String>) -> Vec<ProblemError> {
    let faulty = headers.iter().filter_map(|(name, value)| Some((name, unfit(name, value)?)));
    faulty.map(|(name, detail)| fault(&format!("/headers/{name}"), detail)).collect()
}

/// Headers that say where a request ends, goes or what becomes of its connection. Those are the HTTP client's.
const FRAMING: [&str; 9] = [
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

fn unfit(name: &str, value: &str) -> Option<&'static str> {
    if HeaderName::from_bytes(name.as_bytes()).is_err() || HeaderValue::from_str(value).is_err() {
        Some("is not an HTTP header")
    } else if FRAMING.contains(&name.to_ascii_lowercase().as_str()) {
        Some("is a header of the connection and may not be set")
    } else {
        None
    }
}

fn check_settings(faults: impl IntoIterator<Item = ConfigFault>) -> impl Iterator<Item = ProblemError> {
    faults.into_iter().map(|found| fault(&found.pointer, found.detail))
}
