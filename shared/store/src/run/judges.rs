use jiff::Timestamp;
use runmill_proto::{
    Judge, Judging, Outcome, RunId, RunKind, RunStatus,
    api::{Budget, BudgetUse, JudgeProgress, NewRun},
};
use serde::{Deserialize, Serialize};

use super::RunRow;
use crate::columns::stored_as_json_unless_empty;

/// Judge of a run's answers, as the run's row has it. The judge's calls belong to a run of their own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgeNote {
    /// What was seen of the judge's run last.
    pub progress: JudgeProgress,
    /// True if the judge was asked for after the run had ended. It draws on no budget of the run.
    pub is_added: bool,
    /// Budget of a judge that was added.
    pub budget: Option<Budget>,
    /// Pass of the run for which the judge has judged.
    pub epoch: u32,
}

stored_as_json_unless_empty! { Vec<JudgeNote> }

impl JudgeNote {
    /// Returns a judge of a run's own, whose run `run_id` does not exist yet.
    ///
    /// * `answers`: number of the answers to judge.
    pub fn new(run_id: RunId, judge: Judge, answers: u64) -> Self {
        let total = answers * u64::from(judge.verdict.orders());
        let score = runmill_scoring::ScoreTally::default().summary(total, runmill_proto::Unscored::Skip);
        let progress = JudgeProgress {
            run_id,
            judge,
            status: RunStatus::Pending,
            score,
            total,
            settled: 0,
            failed: 0,
            calls: 0,
            tokens: 0,
            cost_nanousd: None,
            pause_reason: None,
        };
        Self { progress, is_added: false, budget: None, epoch: 0 }
    }

    /// Returns the same judge with the progress of its run.
    #[must_use]
    pub fn with(&self, run: &RunRow) -> Self {
        let BudgetUse { calls, tokens, .. } = run.used();
        let progress = JudgeProgress {
            run_id: run.id,
            judge: self.progress.judge.clone(),
            status: run.status,
            score: run.score(),
            total: run.total,
            settled: run.stats.settled(),
            failed: run.stats.outcome(Outcome::Failed),
            calls,
            tokens,
            cost_nanousd: run.stats.cost_nanousd,
            pause_reason: run.pause_reason().map(str::to_owned),
        };
        Self { progress, ..self.clone() }
    }

    /// Returns what the judge's calls have used.
    pub fn used(&self) -> BudgetUse {
        let JudgeProgress { calls, tokens, cost_nanousd, .. } = self.progress;
        BudgetUse { calls, tokens, nanousd: cost_nanousd.unwrap_or(0).unsigned_abs() }
    }
}

impl RunRow {
    /// Returns the run in which a judge judges the answers of this one. It has the same items, and as many samples for each
    /// answer as the verdict needs.
    #[must_use]
    pub fn of_judge(&self, note: &JudgeNote, created_at: Timestamp) -> Self {
        let JudgeProgress { run_id, judge, .. } = &note.progress;
        let of = &self.submission;
        let judging = Judging { run_id: self.id, judge: judge.clone(), is_added: note.is_added };
        let config = of.config.of_judge(&judging);
        let total = self.items() * u64::from(config.samples());
        let new = NewRun {
            name: of.name.clone(),
            provider_id: judge.provider_id,
            model: judge.model.clone(),
            dataset_id: Some(of.dataset_id),
            config,
            priority: Some(of.priority),
            budget: note.budget,
            webhook: None,
        };
        let mut run = Self::new(*run_id, new, total, created_at);
        run.submission.kind = RunKind::Judge;
        run.submission.tenant = of.tenant.clone();
        run.submission.token_id = of.token_id;
        run.submission.idempotency_key = Some(format!("judge:{run_id}"));
        run.submission.traceparent.clone_from(&of.traceparent);
        run
    }

    /// Returns true if the run makes the calls of a judge.
    pub fn is_of_judge(&self) -> bool {
        self.submission.kind == RunKind::Judge
    }

    /// Returns true if a judge of the run was canceled.
    pub(crate) fn has_canceled_judge(&self) -> bool {
        self.judges.iter().any(|note| note.progress.status == RunStatus::Canceled)
    }
}
