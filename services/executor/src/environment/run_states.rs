use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use runmill_proto::{RunId, RunKind, message::Control};
use runmill_store::{ActiveRun, RunRow, TokenBudget};
use tokio_util::sync::CancellationToken;

use super::{
    RunBudget,
    charged_runs::{ChargedRun, ChargedRuns},
};

/// States of the runs. Control messages change them quickly, and queries of the store reliably.
#[derive(Clone)]
pub struct RunStates {
    states: Arc<Mutex<States>>,
    kill: CancellationToken,
}

#[derive(Default)]
struct States {
    canceled: HashSet<RunId>,
    /// Runs that were canceled, of which the calls in flight finish.
    draining: HashSet<RunId>,
    paused: HashSet<RunId>,
    /// Runs that had not ended at the last query of the store.
    active: HashSet<RunId>,
    /// Those of them that are batches of clients.
    batches: HashSet<RunId>,
    /// Other runs to which calls of clients are charged.
    charged: ChargedRuns,
    /// Budgets of the runs that have one, as the store had them last.
    budgets: HashMap<RunId, RunBudget>,
    /// Budgets of the tokens that submitted runs, as the store had them last.
    token_budgets: HashMap<RunId, Arc<TokenBudget>>,
    /// Tokens of the runs with jobs in progress.
    tokens: HashMap<RunId, RunTokens>,
    /// Logical clock: counts store queries, at their start, and control messages.
    moment: u64,
    /// Time of the store query whose answer was applied last.
    asked: u64,
    /// Time of the last control message about a run that a store query may not have seen.
    heard: HashMap<RunId, u64>,
}

/// Tokens by which the calls of a run end early.
#[derive(Clone)]
pub struct RunTokens {
    /// Ends the calls that have no request in flight.
    pub between_attempts: CancellationToken,
    /// Ends all calls.
    pub at_once: CancellationToken,
}

/// Logical time of a store query for the runs that have not ended.
#[derive(Clone, Copy, Debug)]
pub struct Asked(u64);

/// State of a run, as far as it matters to a job that is about to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    Active,
    Paused,
    /// No call of the run starts any more. Those in flight are interrupted, or finish.
    Canceled,
    /// The run began after the last store query, or it has ended.
    Unknown,
}

impl RunStates {
    /// Cancelling `kill` interrupts the calls of all runs.
    pub fn new(kill: CancellationToken) -> Self {
        Self { states: Arc::default(), kill }
    }

    pub fn state(&self, run_id: RunId) -> RunState {
        let states = self.lock();
        if states.canceled.contains(&run_id) || states.draining.contains(&run_id) {
            RunState::Canceled
        } else if states.paused.contains(&run_id) {
            RunState::Paused
        } else if states.active.contains(&run_id) || states.charged.get(run_id).is_some() {
            RunState::Active
        } else {
            RunState::Unknown
        }
    }

    /// Returns the budget of a run that has one.
    pub fn budget(&self, run_id: RunId) -> Option<RunBudget> {
        let states = self.lock();
        let charged = || states.charged.get(run_id)?.budget;
        states.budgets.get(&run_id).copied().or_else(charged)
    }

    /// Returns the budget of the token that submitted a run with jobs, if it has one.
    pub fn token_budget(&self, run_id: RunId) -> Option<Arc<TokenBudget>> {
        self.lock().token_budgets.get(&run_id).cloned()
    }

    /// Returns true if the items of the run are requests of clients.
    pub fn is_batch(&self, run_id: RunId) -> bool {
        self.lock().batches.contains(&run_id)
    }

    /// Returns the tokens that are cancelled when the calls of the run have to end.
    pub fn tokens(&self, run_id: RunId) -> RunTokens {
        let mut states = self.lock();
        let tokens = states.tokens.entry(run_id).or_insert_with(|| RunTokens {
            between_attempts: CancellationToken::new(),
            at_once: self.kill.child_token(),
        });
        let tokens = tokens.clone();
        states.end_calls(run_id);
        tokens
    }

    /// Starts a store query, whose answer goes to [`load`](Self::load).
    pub fn ask(&self) -> Asked {
        Asked(self.lock().next_moment())
    }

    pub fn hear(&self, control: &Control) {
        let mut states = self.lock();
        match control {
            Control::RunCanceled { run_id } => {
                states.hear(*run_id);
                states.cancel(*run_id);
            }
            Control::RunDraining { run_id } => {
                states.hear(*run_id);
                states.drain(*run_id);
            }
            Control::RunPaused { run_id } => {
                states.hear(*run_id);
                states.paused.insert(*run_id);
            }
            Control::RunResumed { run_id } => {
                states.hear(*run_id);
                states.paused.remove(run_id);
                // The failed jobs of an ended run, perhaps of a canceled one, are retried.
                if states.canceled.remove(run_id) | states.draining.remove(run_id) {
                    states.tokens.remove(run_id);
                }
            }
            Control::LaneCooldown { .. }
            | Control::ProviderChanged { .. }
            | Control::SettingsChanged
            | Control::CallCanceled { .. }
            | Control::Unknown => {}
        }
    }

    /// Returns true if the answer of a store query has a run active that is paused here.
    pub fn resumes(&self, active: &[ActiveRun]) -> bool {
        let states = self.lock();
        active.iter().any(|ActiveRun { run, .. }| run.pause.is_none() && states.paused.contains(&run.id))
    }

    /// Applies the answer of a store query to all runs, except those with a control message since it started, and
    /// forgets the runs that have ended. Returns true if a run that was paused is active again. An answer that comes
    /// after the answer of a later query is ignored.
    pub fn load(&self, Asked(asked): Asked, active: &[ActiveRun]) -> bool {
        let mut states = self.lock();
        if asked < states.asked {
            return false;
        }
        states.asked = asked;
        states.heard.retain(|_, heard| *heard > asked);
        let before = states.paused.clone();
        let mut active_ids = HashSet::new();
        states.budgets = budgets(active);
        let of_token = |it: &ActiveRun| Some((it.run.id, Arc::new(it.token_budget.clone()?)));
        states.token_budgets = active.iter().filter_map(of_token).collect();
        let batches = active.iter().filter(|it| it.run.submission.kind == RunKind::Batch);
        states.batches = batches.map(|it| it.run.id).collect();
        for ActiveRun { run, .. } in active {
            active_ids.insert(run.id);
            states.apply(run);
        }
        states.forget_ended(&active_ids);
        before.iter().any(|run_id| active_ids.contains(run_id) && !states.paused.contains(run_id))
    }

    /// Returns true if no call needs to read this run before it is charged to it.
    pub fn knows_charged(&self, run_id: RunId) -> bool {
        let states = self.lock();
        states.active.contains(&run_id) || states.charged.get(run_id).is_some_and(ChargedRun::is_new)
    }

    pub fn is_charged(&self, run_id: RunId) -> bool {
        self.lock().charged.get(run_id).is_some()
    }

    /// Applies the answer of a store query for one run to which calls are charged.
    pub fn load_charged(&self, Asked(asked): Asked, row: &ActiveRun) {
        let mut states = self.lock();
        states.charged.insert(row);
        if states.heard.get(&row.run.id).is_none_or(|heard| *heard < asked) {
            states.heard.remove(&row.run.id);
            states.apply(&row.run);
        }
    }

    fn lock(&self) -> MutexGuard<'_, States> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the budget on which each run draws. A judge draws on that of the run whose answers it judges.
fn budgets(active: &[ActiveRun]) -> HashMap<RunId, RunBudget> {
    let own = active.iter().filter_map(|it| Some((it.run.id, RunBudget::of(&it.run)?)));
    let mut budgets: HashMap<_, _> = own.collect();
    for run in active.iter().map(|it| &it.run).filter(|run| run.is_of_judge()) {
        let judging = run.submission.config.judging().filter(|judging| !judging.is_added);
        if let Some(budget) = judging.and_then(|judging| budgets.get(&judging.run_id).copied()) {
            budgets.insert(run.id, budget);
        }
    }
    budgets
}

impl States {
    fn next_moment(&mut self) -> u64 {
        self.moment += 1;
        self.moment
    }

    fn hear(&mut self, run_id: RunId) {
        let moment = self.next_moment();
        self.heard.insert(run_id, moment);
    }

    /// Applies what the store says of a run, unless there is later news of it.
    fn apply(&mut self, run: &RunRow) {
        if self.heard.contains_key(&run.id) {
            return;
        }
        if run.pause.is_some() {
            self.paused.insert(run.id);
        } else {
            self.paused.remove(&run.id);
        }
        match run.cancel_requested_at {
            Some(_) if run.cancel_graceful => self.drain(run.id),
            Some(_) => self.cancel(run.id),
            None => {}
        }
    }

    /// Forgets the runs that have ended. The state of a run whose job is still in the queue is then unknown.
    fn forget_ended(&mut self, active: &HashSet<RunId>) {
        self.active.clone_from(active);
        let Self { tokens, canceled, draining, paused, heard, charged, .. } = self;
        let stays = |run_id: &RunId| {
            active.contains(run_id) || heard.contains_key(run_id) || charged.get(*run_id).is_some()
        };
        tokens.retain(|run_id, _| stays(run_id));
        canceled.retain(stays);
        draining.retain(stays);
        paused.retain(stays);
    }

    fn cancel(&mut self, run_id: RunId) {
        self.canceled.insert(run_id);
        self.end_calls(run_id);
    }

    fn drain(&mut self, run_id: RunId) {
        self.draining.insert(run_id);
        self.end_calls(run_id);
    }

    /// Ends the calls of the run that its state does not allow.
    fn end_calls(&self, run_id: RunId) {
        let Some(tokens) = self.tokens.get(&run_id) else { return };
        if self.canceled.contains(&run_id) {
            tokens.at_once.cancel();
        }
        if self.draining.contains(&run_id) {
            tokens.between_attempts.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use runmill_proto::{VerdictForm, testing};
    use runmill_store::JudgeNote;
    use uuid::Uuid;

    use super::*;

    fn run(number: u128) -> RunId {
        RunId::from_uuid(Uuid::from_u128(number))
    }

    fn active(number: u128) -> ActiveRun {
        ActiveRun { run: runmill_store::testing::run(run(number), 1), items: 1, token_budget: None }
    }

    #[test]
    fn an_answer_that_was_overtaken_by_a_later_one_says_nothing() {
        let states = RunStates::new(CancellationToken::new());
        let (early, late) = (states.ask(), states.ask());

        states.load(late, &[active(1)]);
        states.load(early, &[]);

        assert_eq!(states.state(run(1)), RunState::Active);
    }

    #[test]
    fn what_was_heard_since_the_store_was_asked_holds() {
        let states = RunStates::new(CancellationToken::new());
        let asked = states.ask();
        states.hear(&Control::RunPaused { run_id: run(1) });
        states.hear(&Control::RunCanceled { run_id: run(2) });
        let interrupted = states.tokens(run(2)).at_once;

        states.load(asked, &[active(1), active(2)]);
        assert_eq!([1, 2].map(|n| states.state(run(n))), [RunState::Paused, RunState::Canceled]);
        assert!(interrupted.is_cancelled());

        // A later query returns both changes.
        states.load(states.ask(), &[active(1)]);
        assert_eq!([1, 2].map(|n| states.state(run(n))), [RunState::Active, RunState::Unknown]);
    }

    #[test]
    fn a_graceful_cancel_ends_only_calls_without_a_request_until_a_plain_one_follows() {
        let states = RunStates::new(CancellationToken::new());
        let ended =
            |tokens: &RunTokens| (tokens.between_attempts.is_cancelled(), tokens.at_once.is_cancelled());
        let early = states.tokens(run(1));
        states.hear(&Control::RunDraining { run_id: run(1) });
        let late = states.tokens(run(1));
        assert_eq!((ended(&early), ended(&late)), ((true, false), (true, false)));
        assert_eq!(states.state(run(1)), RunState::Canceled);

        states.hear(&Control::RunCanceled { run_id: run(1) });
        assert_eq!((ended(&early), ended(&late)), ((true, true), (true, true)));

        states.hear(&Control::RunResumed { run_id: run(1) });
        assert_eq!(ended(&states.tokens(run(1))), (false, false));
    }

    #[test]
    fn a_judge_draws_on_the_budget_of_its_run_unless_it_was_added() {
        let mut judged = active(1);
        judged.run.submission.budget = Some(serde_json::json!({"calls": 9}));
        let drawn_on = |is_added| {
            let judge = testing::judge(VerdictForm::Binary);
            let mut note = JudgeNote::new(run(2), judge, 1);
            note.is_added = is_added;
            let judge = ActiveRun { run: judged.run.of_judge(&note, judged.run.created_at), ..active(2) };
            budgets(&[judge, judged.clone()]).get(&run(2)).map(|budget| budget.owner)
        };
        assert_eq!([false, true].map(drawn_on), [Some(run(1)), None]);
    }

    #[test]
    fn a_cancel_whose_message_was_lost_is_found_in_the_store() {
        let states = RunStates::new(CancellationToken::new());
        let tokens = states.tokens(run(1));
        let mut row = active(1);
        row.run.cancel_requested_at = Some(row.run.created_at);
        row.run.cancel_graceful = true;

        states.load(states.ask(), std::slice::from_ref(&row));
        assert!(tokens.between_attempts.is_cancelled() && !tokens.at_once.is_cancelled());

        row.run.cancel_graceful = false;
        states.load(states.ask(), &[row]);
        assert!(tokens.at_once.is_cancelled());
    }
}
