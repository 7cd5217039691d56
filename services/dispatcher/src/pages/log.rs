use axum::{
    extract::State,
    response::{Html, IntoResponse, Response},
};
use runmill_pages::{LogFilter, LogPage, log_lines};
use runmill_proto::{RunId, api::RunEvent};
use runmill_store::StoreError;
use serde::Deserialize;

use super::{Pages, Shown, forms::given};
use crate::{
    api::{
        ApiError,
        extract::{Path, Query},
    },
    caller::Caller,
};

/// Number of events of a part.
const PART: u32 = 500;
/// Number of events behind the newest from which on a reader goes on with the newest part.
const BEHIND_MAX: u64 = 2_000;

#[derive(Deserialize)]
pub struct LogQuery {
    kind: Option<String>,
    item: Option<String>,
    after: Option<String>,
}

impl LogQuery {
    fn filter(&self) -> Result<LogFilter, ApiError> {
        let Ok(kind) = self.kind.as_deref().unwrap_or_default().parse();
        let item = given(self.item.as_deref()).map(|item| item.parse());
        let item =
            item.transpose().map_err(|_| ApiError::bad_request("item must be the place of an item"))?;
        Ok(LogFilter { kind, item })
    }

    fn after(&self) -> Result<Option<u64>, ApiError> {
        let after = given(self.after.as_deref()).map(|after| after.parse());
        after.transpose().map_err(|_| ApiError::bad_request("after must be the number of an event"))
    }
}

/// Events of a run, each with its `seq`.
struct Events {
    events: Vec<(u64, RunEvent)>,
    last: u64,
}

impl Pages {
    async fn events(&self, id: RunId, after: u64) -> Result<Events, StoreError> {
        let pages = self.api.store.events(id, after, PART).await?;
        let numbered = pages.into_iter().flat_map(runmill_store::EventPage::numbered);
        let events: Vec<_> = numbered.filter(|(seq, _)| *seq > after).collect();
        let last = events.last().map_or(after, |(seq, _)| *seq);
        Ok(Events { events, last })
    }
}

pub async fn page(
    State(pages): State<Pages>,
    caller: Caller,
    Path(id): Path<RunId>,
    Query(query): Query<LogQuery>,
) -> Result<Shown, ApiError> {
    let filter = query.filter()?;
    let seen = pages.run(&caller, id).await?;
    let newest = seen.run.seq.saturating_sub(u64::from(PART));
    let after = query.after()?.unwrap_or(newest);
    let Events { events, last } = pages.events(id, after).await?;
    let page = LogPage { head: seen.head(), filter: &filter, events: &events, after, last };
    let page = page.page();
    Ok(Shown(page, seen.viewer))
}

/// Returns the lines after an event alone. A reader who is far behind gets the newest ones, and the number of those between.
pub async fn lines(
    State(pages): State<Pages>,
    caller: Caller,
    Path(id): Path<RunId>,
    Query(query): Query<LogQuery>,
) -> Result<Response, ApiError> {
    let filter = query.filter()?;
    let run = caller.run(&*pages.api.store, id).await?;
    let asked = query.after()?.unwrap_or(0);
    let is_far_behind = run.seq.saturating_sub(asked) > BEHIND_MAX;
    let after = if is_far_behind { run.seq - u64::from(PART) } else { asked };
    let Events { events, last } = pages.events(id, after).await?;
    let lines = log_lines(id, &filter, &events, last, after - asked).into_string();
    Ok(Html(format!("<!DOCTYPE html>{lines}")).into_response())
}
