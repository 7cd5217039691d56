//! Tells who used how much.

use std::{fmt, str::FromStr};

use axum::{Json, extract::State};
use jiff::{SignedDuration, Timestamp, civil::Date};
use runmill_proto::{
    api::{Page, Problem, UsageQuery, UsageRecord},
    usd,
};
use runmill_store::{TokenKey, UsageKey, UsageSum};

use super::{
    ApiState,
    extract::Query,
    page::{InvalidCursor, PageRequest},
    problem::ApiError,
};
use crate::caller::Caller;

/// Time before today from which on the use is told if no day is named.
const LATELY: SignedDuration = SignedDuration::from_hours(29 * 24);

/// List the use by day, token, provider and model
///
/// All recorded calls count: those of runs, by the token that submitted the run, and those of clients. A token sees the use of
/// its tenant.
#[utoipa::path(get, path = "/usage", params(UsageQuery),
    responses((status = 200, body = Page<UsageRecord>), (status = 400, body = Problem)))]
pub async fn list(
    State(state): State<ApiState>,
    caller: Caller,
    Query(query): Query<UsageQuery>,
) -> Result<Json<Page<UsageRecord>>, ApiError> {
    let (now, UsageQuery { from, to, limit, after }) = (state.clock.now(), query);
    let from = day("from", from, now - LATELY)?;
    let to = day("to", to, now)?;
    let page = PageRequest::<Place>::try_from(runmill_proto::api::PageQuery { limit, after })?;
    let after = page.after.as_ref().map(|Place(key)| key);
    let rows = state.store.usage(caller.tenant.as_ref(), (&from, &to), after, page.limit).await?;
    Ok(Json(page.page(rows, |row| Place(row.key()), record)))
}

/// Returns a day of the query as it is stored, or the day of `default`.
fn day(name: &str, text: Option<String>, default: Timestamp) -> Result<String, ApiError> {
    let Some(text) = text else { return Ok(default.strftime("%Y-%m-%d").to_string()) };
    let day: Date = text
        .parse()
        .map_err(|_| ApiError::bad_request(format!("{name} must be a day such as 2026-11-30")))?;
    Ok(day.to_string())
}

fn record(sum: UsageSum) -> UsageRecord {
    UsageRecord {
        day: sum.day,
        tenant: sum.tenant,
        token_id: sum.token_id.0,
        provider_id: sum.provider_id,
        model: sum.model,
        calls: sum.calls,
        prompt_tokens: sum.prompt_tokens,
        completion_tokens: sum.completion_tokens,
        cost_usd: usd(i64::try_from(sum.cost_nanousd).unwrap_or(i64::MAX)),
        unpriced: sum.unpriced,
    }
}

/// Place of a sum, written as the cursor `day~tenant~token~provider~model`.
#[derive(Clone, Debug, PartialEq)]
struct Place(UsageKey);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let UsageKey { day, tenant, token_id, provider_id, model } = &self.0;
        write!(f, "{day}~{tenant}~")?;
        if let Some(token_id) = token_id.0 {
            write!(f, "{token_id}")?;
        }
        write!(f, "~{provider_id}~{model}")
    }
}

impl FromStr for Place {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let parts: Vec<_> = text.splitn(5, '~').collect();
        let [day, tenant, token, provider, model] = parts.as_slice() else { return Err(InvalidCursor) };
        let token_id = if token.is_empty() { None } else { Some(token.parse().map_err(|_| InvalidCursor)?) };
        Ok(Self(UsageKey {
            day: (*day).to_owned(),
            tenant: tenant.parse().map_err(|_| InvalidCursor)?,
            token_id: TokenKey(token_id),
            provider_id: provider.parse().map_err(|_| InvalidCursor)?,
            model: (*model).to_owned(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use runmill_proto::{ProviderId, Tenant, TokenId};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_place_comes_back_from_its_cursor() {
        for token in [None, Some(TokenId::from_uuid(Uuid::from_u128(7)))] {
            let place = Place(UsageKey {
                day: "2026-11-30".into(),
                tenant: Tenant::default(),
                token_id: TokenKey(token),
                provider_id: ProviderId::from_uuid(Uuid::from_u128(9)),
                model: "a~b/c é".into(),
            });
            assert_eq!(place.to_string().parse::<Place>().ok(), Some(place));
        }
        assert!("2026-11-30~default".parse::<Place>().is_err());
    }
}
