use axum::{Json, extract::State};
use runmill_proto::api::Scaling;

use super::{ApiState, problem::ApiError};
use crate::{caller::Caller, executors};

/// Get the number of executors that the fleet can use
///
/// It follows from the work that waits, the providers' limits and the calls that one executor is given. It rises at once, and
/// falls `RUNMILL_SCALE_DOWN_SECONDS` after the last need. The sums are of all tenants; lanes are listed of the providers of
/// the token's tenant. The numbers are at most a second old.
#[utoipa::path(get, path = "/scaling", responses((status = 200, body = Scaling)))]
pub async fn get(State(state): State<ApiState>, caller: Caller) -> Result<Json<Scaling>, ApiError> {
    let mut scaling = state.scaler.scaling().await?;
    if caller.tenant.is_some() {
        let own = executors::own_providers(&*state.store, &caller).await?;
        scaling.lanes.retain(|lane| own.contains(&lane.provider_id));
    }
    Ok(Json(scaling))
}
