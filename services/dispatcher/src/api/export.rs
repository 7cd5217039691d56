use axum::{
    body::Body,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use runmill_export::file_name;
use runmill_proto::{
    RunId,
    api::{ExportFormat, ExportQuery, Problem, ResultsQuery},
};

use super::{
    ApiState,
    extract::{Path, Query},
    problem::ApiError,
};
use crate::{caller::Caller, results::Results, view};

/// Export the results of a run as a file
///
/// The results that the run has so far, with details, in the order of the dataset. The file comes while it is made; a body
/// that ends without its last chunk is not whole.
#[utoipa::path(get, path = "/runs/{id}/export", params(("id" = RunId, Path), ExportQuery, ResultsQuery),
    responses((status = 200, content(
            (String = "application/x-ndjson"), (String = "text/csv"), (Vec<u8> = "application/vnd.apache.parquet"),
            (String = "application/xml"), (Vec<u8> = "application/octet-stream"), (Vec<u8> = "application/zip"))),
        (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 503, body = Problem, description = "As many exports are being made as may be at once")))]
pub async fn of_run(
    State(state): State<ApiState>,
    caller: Caller,
    Path(run_id): Path<RunId>,
    Query(ExportQuery { format }): Query<ExportQuery>,
    Query(asked): Query<ResultsQuery>,
) -> Result<Response, ApiError> {
    let format = format.map_or(Ok(ExportFormat::Jsonl), |format| format.parse());
    let format = format.map_err(|error| ApiError::bad_request(format!("format: {error}")))?;
    let row = caller.run(&*state.store, run_id).await?;
    let run = view::run(row.clone());
    let results = Results::new(state.store, row, &asked).map_err(ApiError::bad_request)?;
    let disposition = format!("attachment; filename=\"{}\"", file_name(format, &run));
    let body = state.exports.begin(format, run, results);
    let body = body.map_err(|error| ApiError::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()))?;
    let headers =
        [(header::CONTENT_TYPE, format.media_type().to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, Body::from_stream(body)).into_response())
}
