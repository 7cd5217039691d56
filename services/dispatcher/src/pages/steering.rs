//! Forms that change a run. Each goes back to the page on which it stands.

use axum::{extract::State, response::Redirect};
use runmill_proto::{RunId, api::Run};
use serde::Deserialize;

use super::{Pages, session::path_here};
use crate::{
    api::{
        ApiError, Changed,
        extract::{Form, Path, Query},
        runs,
    },
    caller::Caller,
};

#[derive(Deserialize)]
pub struct Back {
    back: Option<String>,
}

type Steered = Result<Changed<Redirect>, ApiError>;

pub async fn pause(State(pages): State<Pages>, caller: Caller, id: Path<RunId>, form: Form<Back>) -> Steered {
    Ok(back(runs::pause(State(pages.api), caller, id).await?, &form.0))
}

pub async fn resume(
    State(pages): State<Pages>,
    caller: Caller,
    id: Path<RunId>,
    form: Form<Back>,
) -> Steered {
    Ok(back(runs::resume(State(pages.api), caller, id).await?, &form.0))
}

pub async fn cancel(
    State(pages): State<Pages>,
    caller: Caller,
    id: Path<RunId>,
    form: Form<Back>,
) -> Steered {
    let at_once = Query(runs::CancelQuery::default());
    Ok(back(runs::cancel(State(pages.api), caller, id, at_once).await?, &form.0))
}

pub async fn retry_failed(
    State(pages): State<Pages>,
    caller: Caller,
    id: Path<RunId>,
    form: Form<Back>,
) -> Steered {
    let all = Query(runs::RetryQuery::default());
    Ok(back(runs::retry_failed(State(pages.api), caller, id, all).await?, &form.0))
}

fn back(Changed(change, _): Changed<axum::Json<Run>>, form: &Back) -> Changed<Redirect> {
    Changed(change, Redirect::to(path_here(form.back.as_deref())))
}
