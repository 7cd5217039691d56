use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use runmill_proto::{RunId, message::Control};
use runmill_store::ActiveRun;
use tokio_util::sync::CancellationToken;

/// Which runs must not go on: told quickly by the control exchange, and truly by the store.
#[derive(Clone)]
pub struct RunStates {
    states: Arc<Mutex<States>>,
    kill: CancellationToken,
}

#[derive(Default)]
struct States {
    canceled: HashSet<RunId>,
    paused: HashSet<RunId>,
    /// That had not ended when the store was last asked.
    active: HashSet<RunId>,
    /// Of the runs with jobs in hand.
    tokens: HashMap<RunId, CancellationToken>,
}

/// Whether a job of a run may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    Going,
    Paused,
    Canceled,
    /// The store was not asked since the run began; or it has ended.
    Unknown,
}

impl RunStates {
    /// `kill` interrupts the calls of all runs.
    pub fn new(kill: CancellationToken) -> Self {
        Self { states: Arc::default(), kill }
    }

    pub fn state(&self, run_id: RunId) -> RunState {
        let states = self.lock();
        if states.canceled.contains(&run_id) {
            RunState::Canceled
        } else if states.paused.contains(&run_id) {
            RunState::Paused
        } else if states.active.contains(&run_id) {
            RunState::Going
        } else {
            RunState::Unknown
        }
    }

    /// Cancelled when calls of the run are to be interrupted.
    pub fn token(&self, run_id: RunId) -> CancellationToken {
        let mut states = self.lock();
        let token = states.tokens.entry(run_id).or_insert_with(|| self.kill.child_token()).clone();
        if states.canceled.contains(&run_id) {
            token.cancel();
        }
        token
    }

    pub fn hear(&self, control: &Control) {
        let mut states = self.lock();
        match control {
            Control::RunCanceled { run_id } => states.cancel(*run_id),
            Control::RunPaused { run_id } => drop(states.paused.insert(*run_id)),
            Control::RunResumed { run_id } => {
                states.paused.remove(run_id);
                // Tried again after it had ended, perhaps by a cancel.
                if states.canceled.remove(run_id) {
                    states.tokens.remove(run_id);
                }
            }
            Control::LaneCooldown { .. }
            | Control::ProviderChanged { .. }
            | Control::SettingsChanged
            | Control::Unknown => {}
        }
    }

    /// Takes the store's word for all runs that have not ended; forgets those that have. Whether one that was paused
    /// goes on.
    pub fn load(&self, active: &[ActiveRun]) -> bool {
        let mut states = self.lock();
        let before = std::mem::take(&mut states.paused);
        states.paused = active
            .iter()
            .filter(|active| active.run.paused_at.is_some())
            .map(|active| active.run.id)
            .collect();
        let going: HashSet<RunId> = active.iter().map(|active| active.run.id).collect();
        states.active.clone_from(&going);
        let canceled: HashSet<RunId> = active
            .iter()
            .filter(|active| active.run.cancel_requested_at.is_some())
            .map(|active| active.run.id)
            .collect();
        for run_id in canceled {
            states.cancel(run_id);
        }
        // What has ended can be forgotten: should a job of it still be in the queue, its run is unknown.
        states.tokens.retain(|run_id, _| going.contains(run_id));
        states.canceled.retain(|run_id| going.contains(run_id));
        before.iter().any(|run_id| going.contains(run_id) && !states.paused.contains(run_id))
    }

    fn lock(&self) -> MutexGuard<'_, States> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl States {
    fn cancel(&mut self, run_id: RunId) {
        self.canceled.insert(run_id);
        if let Some(token) = self.tokens.get(&run_id) {
            token.cancel();
        }
    }
}
