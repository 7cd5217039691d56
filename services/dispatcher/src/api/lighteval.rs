//! Configurations of LightEval.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use runmill_config::Role;
use runmill_proto::{ProviderId, RunId, api::Problem};
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::{
    ApiState,
    audit::{Change, Changed},
    auth::AuthError,
    extract::{Path, Query},
    problem::ApiError,
};
use crate::{
    caller::Caller,
    lighteval::{Form, LightevalConfig, Route},
};

#[derive(Deserialize, utoipa::IntoParams)]
pub struct ConfigQuery {
    /// Form of the file: `platform`, or `lighteval` for `lighteval endpoint litellm`. Default: `platform`.
    #[serde(default)]
    #[param(inline)]
    format: Format,
    /// True for a file that points at the provider, and false for one that points at this server's front door. Default:
    /// the value of `include_api_key`.
    direct: Option<bool>,
    /// True to put the provider's API key into the file, which needs the role `admin` and is recorded in the audit log.
    /// Default: false; the file then names the environment variable that has the key or the token.
    #[serde(default)]
    include_api_key: bool,
}

#[derive(Clone, Copy, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum Format {
    #[default]
    Platform,
    Lighteval,
}

#[derive(Deserialize, utoipa::IntoParams)]
pub struct ModelQuery {
    /// Name of a model of the provider.
    model: String,
}

/// Get the configuration with which LightEval calls the model of a run
///
/// It has the run's settings. By default it points at this server's front door, so that LightEval shares the limits of the
/// provider with the runs, and no key of the provider leaves this installation.
#[utoipa::path(get, path = "/runs/{id}/lighteval-config", params(("id" = RunId, Path), ConfigQuery),
    responses((status = 200, body = String, content_type = "application/yaml"), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 502, body = Problem),
        (status = 503, body = Problem, description = "No executor answers with the key")))]
pub async fn of_run(
    State(state): State<ApiState>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<RunId>,
    Query(query): Query<ConfigQuery>,
) -> Result<Response, ApiError> {
    let (form, route) = query.wish(&state, &caller, &headers)?;
    let config = state.lighteval.of_run(&caller, id, form, route.clone()).await?;
    Ok(response(config, &route, &id.to_string()))
}

/// Get the configuration with which LightEval calls a model of a provider
///
/// It has the provider's settings, and is else as that of a run.
#[utoipa::path(get, path = "/providers/{id}/lighteval-config",
    params(("id" = ProviderId, Path), ModelQuery, ConfigQuery),
    responses((status = 200, body = String, content_type = "application/yaml"), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 502, body = Problem),
        (status = 503, body = Problem, description = "No executor answers with the key")))]
pub async fn of_provider(
    State(state): State<ApiState>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<ProviderId>,
    Query(ModelQuery { model }): Query<ModelQuery>,
    Query(query): Query<ConfigQuery>,
) -> Result<Response, ApiError> {
    let (form, route) = query.wish(&state, &caller, &headers)?;
    let config = state.lighteval.of_provider(&caller, id, model.clone(), form, route.clone()).await?;
    Ok(response(config, &route, &model))
}

impl ConfigQuery {
    fn wish(
        &self,
        state: &ApiState,
        caller: &Caller,
        headers: &HeaderMap,
    ) -> Result<(Form, Route), ApiError> {
        let form = match self.format {
            Format::Platform => Form::Platform,
            Format::Lighteval => Form::Lighteval,
        };
        let route = match (self.include_api_key, self.direct) {
            (true, Some(false)) => {
                return Err(ApiError::bad_request(
                    "include_api_key needs direct=true: the front door takes a token of yours, which runmill does not keep",
                ));
            }
            (true, _) if caller.role < Role::Admin => return Err(AuthError::RoleTooLow(Role::Admin).into()),
            (true, _) => Route::DirectWithKey,
            (false, Some(true)) => Route::Direct,
            (false, _) => Route::FrontDoor(state.public_url.front_door(headers)?),
        };
        Ok((form, route))
    }
}

/// Makes the response, which nobody may keep. One with a key is recorded.
fn response(LightevalConfig { yaml, provider }: LightevalConfig, route: &Route, subject: &str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/yaml")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    let response = (headers, yaml.expose_secret().to_owned()).into_response();
    if *route != Route::DirectWithKey {
        return response;
    }
    let change = Change::new("provider.reveal_key", &provider.tenant).of(provider.id);
    Changed(change.detail(format!("lighteval-config of {subject}")), response).into_response()
}
