use std::{collections::HashMap, time::Duration};

use runmill_proto::RunId;
use runmill_store::ActiveRun;
use tokio::time::Instant;

use super::RunBudget;

/// Time for which a call is charged to a run without another look at the store. A cancellation is announced at once.
const NEW_FOR: Duration = Duration::from_secs(5);
/// Number of runs that are kept. Beyond it the one that was read first is forgotten.
const KEPT_MAX: usize = 1_000;

/// Runs that have no jobs, and to which calls of clients are charged.
#[derive(Default)]
pub struct ChargedRuns(HashMap<RunId, ChargedRun>);

/// A run as the store had it last.
pub struct ChargedRun {
    pub budget: Option<RunBudget>,
    read_at: Instant,
}

impl ChargedRun {
    pub fn is_new(&self) -> bool {
        self.read_at.elapsed() < NEW_FOR
    }
}

impl ChargedRuns {
    pub fn get(&self, id: RunId) -> Option<&ChargedRun> {
        self.0.get(&id)
    }

    pub fn insert(&mut self, row: &ActiveRun) {
        if self.0.len() >= KEPT_MAX && !self.0.contains_key(&row.run.id) {
            let oldest = self.0.iter().min_by_key(|(_, run)| run.read_at).map(|(id, _)| *id);
            oldest.map(|id| self.0.remove(&id));
        }
        let charged = ChargedRun { budget: RunBudget::of(&row.run), read_at: Instant::now() };
        self.0.insert(row.run.id, charged);
    }
}
