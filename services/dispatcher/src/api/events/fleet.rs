use std::collections::HashMap;

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use runmill_proto::{RunId, Tenant, api::RunEvent};
use runmill_store::{RunRow, StoreError};
use tokio::sync::watch;

use super::{
    super::ApiState,
    READ_MAX,
    frame::{Frames, OPENING, Sent},
};
use crate::{
    caller::Caller,
    watcher::{Versions, look},
};

/// Changes of a run's status, and its progress.
pub struct RunNews {
    frames: Sent,
    tenant: Tenant,
    /// `seq` up to which changes were read.
    seen: u64,
}

/// Follows all runs that its token sees, from its creation on.
pub struct FleetObserver {
    state: ApiState,
    versions: watch::Receiver<Versions>,
    /// `seq` up to which the events of each run were sent.
    known: HashMap<RunId, u64>,
    since: Timestamp,
    left: Option<u64>,
    opened: bool,
    caller: Caller,
}

impl FleetObserver {
    pub async fn new(state: ApiState, left: Option<u64>, caller: Caller) -> Result<Self, StoreError> {
        let versions = state.watcher.subscribe();
        let since = state.clock.now();
        let known = look(&*state.store, &state.clock).await?;
        Ok(Self { state, versions, known, since, left, opened: false, caller })
    }

    /// Waits for the next events. Returns `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        if !self.opened {
            self.opened = true;
            return Ok(Some(Bytes::from_static(OPENING)));
        }
        loop {
            if self.left == Some(0) {
                return Ok(None);
            }
            let hint = self.state.stop.run_until_cancelled(self.versions.changed()).await;
            if !matches!(hint, Some(Ok(()))) {
                return Ok(None);
            }
            let versions = self.versions.borrow_and_update().clone();
            let events = self.read(&versions).await?;
            self.known.retain(|run_id, _| versions.contains_key(run_id));
            if !events.is_empty() {
                return Ok(Some(events));
            }
        }
    }

    async fn read(&mut self, versions: &Versions) -> Result<Bytes, StoreError> {
        let has_news = |(run_id, seq): (&RunId, &u64)| {
            (self.known.get(run_id).is_none_or(|known| seq > known)).then_some((*run_id, *seq))
        };
        let changed: Vec<(RunId, u64)> = versions.iter().filter_map(has_news).collect();
        let mut bytes = BytesMut::new();
        for (run_id, version) in changed {
            let after = match self.known.get(&run_id) {
                Some(known) => *known,
                None => match self.row(run_id).await? {
                    Some(row) => self.first(&row),
                    None => continue,
                },
            };
            let sent = &self.state.sent_events.0.of_fleet;
            let news = sent.get((run_id, after, version), news(&self.state, run_id, after)).await;
            let news = match news {
                // It was removed.
                Err(StoreError::NotFound { .. }) => continue,
                news => news?,
            };
            if self.caller.sees(&news.tenant) {
                bytes.extend_from_slice(&news.frames.take(&mut self.left));
            }
            self.known.insert(run_id, news.seen.max(version));
        }
        Ok(bytes.freeze())
    }

    async fn row(&self, run_id: RunId) -> Result<Option<RunRow>, StoreError> {
        Ok(self.state.store.run_rows(&[run_id]).await?.pop())
    }

    /// Returns the `seq` after which the events of a run begin that was not known. One that was created before this stream began,
    /// and had ended, has its failed jobs tried again: its earlier events are not sent.
    fn first(&self, row: &RunRow) -> u64 {
        if row.created_at >= self.since { 0 } else { row.seq.saturating_sub(1) }
    }
}

async fn news(state: &ApiState, run_id: RunId, after: u64) -> Result<RunNews, StoreError> {
    let row = state.store.run(run_id).await?;
    let statuses = state.store.status_events(run_id, after, READ_MAX).await?;
    let seen = statuses.last().map_or(0, |(seq, _)| *seq);
    let mut frames = Frames::default();
    for (_, event) in &statuses {
        frames.push(event, None);
    }
    frames.push(&RunEvent::RunProgress(row.progress()), None);
    Ok(RunNews { frames: frames.finish(), tenant: row.submission.tenant, seen })
}
