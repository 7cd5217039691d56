use bytes::Bytes;
use runmill_proto::{
    RunId,
    api::{RunEnd, RunEvent},
};
use runmill_store::StoreError;
use tokio::sync::watch;

use super::{
    super::ApiState,
    READ_MAX,
    frame::{Frames, OPENING, Sent},
};
use crate::{view, watcher::Versions};

/// Events of a run that follow each other.
pub struct RunBatch {
    frames: Sent,
    /// `seq` of the last event. `None` if there are no events.
    last: Option<u64>,
    /// True if an event says that the run has ended.
    has_end: bool,
}

/// Follows one run: reads its events from the store, and waits for the watcher when there are no more.
pub struct RunObserver {
    state: ApiState,
    versions: watch::Receiver<Versions>,
    run_id: RunId,
    /// `seq` of the event that was sent last.
    after: u64,
    left: Option<u64>,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Opening,
    Following,
    /// The run has ended, as far as is known; further events may follow.
    Ending,
    Ended,
}

impl RunObserver {
    pub fn new(state: ApiState, run_id: RunId, after: u64, left: Option<u64>) -> Self {
        let versions = state.watcher.subscribe();
        Self { state, versions, run_id, after, left, phase: Phase::Opening }
    }

    /// Waits for the next events. Returns `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        match self.phase {
            Phase::Opening => {
                let run = Box::new(view::run(self.state.store.run(self.run_id).await?));
                // Its events are read before the first wait, whatever the watcher has seen.
                self.phase = Phase::Ending;
                let mut frames = Frames::default();
                frames.push(&RunEvent::Snapshot { run }, None);
                Ok(Some([OPENING, &frames.finish().take(&mut None)].concat().into()))
            }
            Phase::Following | Phase::Ending => self.follow().await,
            Phase::Ended => Ok(None),
        }
    }

    async fn follow(&mut self) -> Result<Option<Bytes>, StoreError> {
        loop {
            if self.left == Some(0) {
                return Ok(None);
            }
            // The versions are marked as seen before the store is read, so that an event written during the read
            // counts as a change.
            let seen = self.versions.borrow_and_update().get(&self.run_id).copied();
            if self.phase == Phase::Following && seen.is_some_and(|seq| seq <= self.after) {
                if !self.changed().await {
                    return Ok(None);
                }
                continue;
            }
            if let Some(events) = self.read().await? {
                return Ok(Some(events));
            }
            let run = self.state.store.run(self.run_id).await?;
            if run.status.is_terminal() && run.seq <= self.after {
                self.phase = Phase::Ended;
                let mut frames = Frames::default();
                frames.push(&RunEvent::End(RunEnd { run_id: self.run_id, status: run.status }), None);
                return Ok(Some(frames.finish().take(&mut None)));
            }
            self.phase = Phase::Following;
            if run.seq <= self.after && !self.changed().await {
                return Ok(None);
            }
        }
    }

    /// Reads the next events, or takes them from another observer that did.
    async fn read(&mut self) -> Result<Option<Bytes>, StoreError> {
        let (sent, key) = (&self.state.sent_events.0.of_runs, (self.run_id, self.after));
        let batch = sent.get(key, read(&self.state, self.run_id, self.after)).await?;
        let Some(last) = batch.last else {
            sent.forget(key);
            return Ok(None);
        };
        self.after = last;
        self.phase = if batch.has_end { Phase::Ending } else { Phase::Following };
        Ok(Some(batch.frames.take(&mut self.left)))
    }

    /// Waits until this run may have new events. Returns false if the server stops.
    async fn changed(&mut self) -> bool {
        loop {
            let hint = self.state.stop.run_until_cancelled(self.versions.changed()).await;
            if !matches!(hint, Some(Ok(()))) {
                return false;
            }
            let seq = self.versions.borrow_and_update().get(&self.run_id).copied();
            // A run that is no longer in the map has ended, and its last events must be read, too.
            if seq.is_none_or(|seq| seq > self.after) {
                return true;
            }
        }
    }
}

async fn read(state: &ApiState, run_id: RunId, after: u64) -> Result<RunBatch, StoreError> {
    let (mut frames, mut last, mut has_end) = (Frames::default(), None, false);
    for page in state.store.events(run_id, after, READ_MAX).await? {
        for (seq, event) in page.numbered().filter(|(seq, _)| *seq > after) {
            frames.push(&event, Some(seq));
            last = Some(seq);
            has_end |= matches!(event, RunEvent::RunStatus(status) if status.status.is_terminal());
        }
    }
    Ok(RunBatch { frames: frames.finish(), last, has_end })
}
