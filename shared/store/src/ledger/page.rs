//! Pages of events. A page is a row with many events, so that an event needs no row of its own.

use runmill_proto::{RunId, api::RunEvent};

use crate::{EventPage, StoreError};

/// Maximum number of events of a page. It limits a page to some 100 KB, and so the memory of one read.
const PAGE_EVENTS_MAX: usize = 256;

/// A page of events to insert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPage {
    pub run_id: RunId,
    pub first_seq: u64,
    pub last_seq: u64,
    /// `run_status` events are on pages of their own, so that they can be read alone.
    pub is_status: bool,
    /// Events as a JSON array.
    pub events: String,
}

/// Returns the pages of `events`, the first of which has `first_seq`.
pub fn write_pages(run_id: RunId, mut first_seq: u64, events: &[RunEvent]) -> Vec<NewPage> {
    let alike = events.chunk_by(|a, b| is_status(a) == is_status(b));
    alike
        .flat_map(|events| events.chunks(PAGE_EVENTS_MAX))
        .map(|events| {
            let last_seq = first_seq + events.len() as u64 - 1;
            let page = NewPage {
                run_id,
                first_seq,
                last_seq,
                is_status: is_status(&events[0]),
                events: serde_json::to_string(events).expect("events have only string keys"),
            };
            first_seq = last_seq + 1;
            page
        })
        .collect()
}

/// Returns the events of a stored page whose `seq` is above `after`.
pub fn read_page(first_seq: u64, events: &str, after: u64) -> Result<EventPage, StoreError> {
    let mut events: Vec<RunEvent> = serde_json::from_str(events)
        .map_err(|error| StoreError::Broken(format!("stored events: {error}")))?;
    let seen = (after + 1).saturating_sub(first_seq);
    let seen = usize::try_from(seen).unwrap_or(usize::MAX).min(events.len());
    events.drain(..seen);
    Ok(EventPage { first_seq: first_seq + seen as u64, events })
}

const fn is_status(event: &RunEvent) -> bool {
    matches!(event, RunEvent::RunStatus(_))
}
