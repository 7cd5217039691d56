use axum::{
    extract::State,
    response::{Html, IntoResponse, Response},
};
use runmill_pages::{ResultsPage, rows as rows_view};
use runmill_proto::{
    RunId,
    api::{DetailedResult, ResultsQuery},
};
use runmill_store::RunRow;
use serde::Deserialize;

use super::{Pages, Shown, forms::given};
use crate::{
    api::{
        ApiError,
        extract::{Path, Query},
        page::InvalidCursor,
        records::Place,
    },
    caller::Caller,
    results::Results,
};

/// Number of results of a part.
const PART: u32 = 100;

#[derive(Deserialize)]
pub struct PartQuery {
    /// Cursor after which the part begins.
    after: Option<String>,
    /// Place of the item with which the part begins.
    from: Option<String>,
    outcome: Option<String>,
    error_kind: Option<String>,
    score: Option<String>,
    item_id: Option<String>,
    text: Option<String>,
    sort: Option<String>,
}

impl PartQuery {
    /// Returns the filter. A form sends its empty fields, too.
    fn filter(&self) -> ResultsQuery {
        ResultsQuery {
            outcome: given(self.outcome.as_deref()),
            error_kind: given(self.error_kind.as_deref()),
            score: given(self.score.as_deref()),
            item_id: given(self.item_id.as_deref()),
            text: given(self.text.as_deref()),
            sort: given(self.sort.as_deref()),
            ..ResultsQuery::default()
        }
    }

    fn after(&self) -> Result<Option<Place>, ApiError> {
        if let Some(from) = given(self.from.as_deref()) {
            let from: u32 =
                from.parse().map_err(|_| ApiError::bad_request("from must be the place of an item"))?;
            return Ok(Place::before(from));
        }
        let after = given(self.after.as_deref()).map(|after| after.parse());
        after.transpose().map_err(|error: InvalidCursor| ApiError::bad_request(format!("after: {error}")))
    }
}

/// A part of a run's results, with the cursor of the next one.
struct Part {
    filter: ResultsQuery,
    after: Option<String>,
    results: Vec<DetailedResult>,
    next: Option<String>,
}

impl Pages {
    async fn part(&self, run: RunRow, query: &PartQuery) -> Result<Part, ApiError> {
        let (filter, after, id) = (query.filter(), query.after()?, run.id);
        let asked = ResultsQuery { details: Some("true".to_owned()), ..filter.clone() };
        let found = Results::new(self.api.store.clone(), run, &asked).map_err(ApiError::bad_request)?;
        let found = found.detailed_page(after.map(|place| place.key(id)), PART).await?;
        let next = found.next.map(|key| Place::of(key).to_string());
        Ok(Part { filter, after: after.map(|place| place.to_string()), results: found.rows, next })
    }
}

pub async fn page(
    State(pages): State<Pages>,
    caller: Caller,
    Path(id): Path<RunId>,
    Query(query): Query<PartQuery>,
) -> Result<Shown, ApiError> {
    let seen = pages.run(&caller, id).await?;
    let part = pages.part(seen.row.clone(), &query).await?;
    let page = ResultsPage {
        head: seen.head(),
        query: &part.filter,
        results: &part.results,
        after: part.after.as_deref(),
        next: part.next.as_deref(),
    };
    let page = page.page();
    Ok(Shown(page, seen.viewer))
}

/// Returns the rows of a part alone, in a table of their own.
pub async fn rows(
    State(pages): State<Pages>,
    caller: Caller,
    Path(id): Path<RunId>,
    Query(query): Query<PartQuery>,
) -> Result<Response, ApiError> {
    let run = caller.run(&*pages.api.store, id).await?;
    let part = pages.part(run, &query).await?;
    let rows = rows_view(id, &part.results, part.next.as_deref()).into_string();
    Ok(Html(format!("<!DOCTYPE html><table>{rows}</table>")).into_response())
}
