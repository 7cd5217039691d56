use std::{sync::Arc, time::Duration};

use runmill_llm::{
    CallBudgets, CallPolicy, ChatResponse, Interrupts, Invoked, ModelError, PolicySource, Unanswered,
};
use runmill_proto::message::Job;
use runmill_quota::budget::{Draw, Purses, UsedUp};
use tokio_util::sync::CancellationToken;

use super::{
    Ending, Pipeline, budget,
    end::{End, JobLog},
    prepare::Prepared,
};
use crate::{
    environment::{Callee, RunState, RunTokens},
    exchange::Fleet,
};

impl Pipeline {
    /// Calls the model. Each attempt asks the provider's lane, in the client's permit layer.
    pub(super) async fn call(
        &self,
        end: &End<'_>,
        Prepared { callee, request }: &Prepared<'_>,
        stop: &CancellationToken,
    ) -> Result<JobLog, Ending> {
        let job = end.job;
        let estimated_output = self.output_tokens.estimate(job.run_id);
        let budgets = budget::Budgets::of(callee, job);
        let policy = JobPolicy { callee, job, fleet: &self.fleet, estimated_output };
        let RunTokens { between_attempts, at_once } = self.environment.run_tokens(job.run_id);
        let interrupts = Interrupts { before_start: stop.clone(), between_attempts, at_once };
        let invoked = callee.client.invoke_until(request, &policy, &interrupts).await;
        self.open_files.note(&invoked.attempts);
        if let Ok(ChatResponse { usage: Some(usage), .. }) = &invoked.result {
            self.output_tokens.note(job.run_id, usage.completion_tokens);
        }
        let invoked = recheck(invoked, callee).await;
        let invoked = self.recheck_budget(invoked, job, &budgets).await;
        let end = End { now: self.environment.clock.now(), ..*end };
        let canceled = self.environment.run_state(job.run_id) == RunState::Canceled;
        if budget::stops(&invoked, budgets.run) {
            return Ok(end.budget_stopped(&invoked));
        }
        let deferrals_max = callee.settings().retry.max_deferrals;
        end.invoked(&invoked, canceled, deferrals_max).ok_or(Ending::Requeue)
    }
}

/// Checks a call after which the lane would stop. If the provider's settings have changed since it began, the lane
/// goes on and the job is fed again, to use the new settings.
async fn recheck(mut invoked: Invoked, callee: &Callee<'_>) -> Invoked {
    if let Err(Unanswered::LaneStopped { error, .. }) = &invoked.result
        && callee.has_changed().await
    {
        invoked.result = Err(Unanswered::Deferred { after: Duration::ZERO, error: error.clone() });
    }
    invoked
}

/// Policy of a job by the current settings.
struct JobPolicy<'a> {
    callee: &'a Callee<'a>,
    job: &'a Job,
    fleet: &'a Fleet,
    estimated_output: Option<u64>,
}

impl PolicySource for JobPolicy<'_> {
    fn policy(&self) -> CallPolicy {
        CallPolicy { failed_before: self.job.failures, deadline: self.job.deadline, ..self.callee.policy() }
    }

    /// A job may wait for its slot for long. If this process was frozen meanwhile, others have the job.
    fn may_start(&self) -> bool {
        self.fleet.is_fresh()
    }

    fn estimated_output(&self) -> Option<u64> {
        self.estimated_output
    }

    fn budgets(&self) -> Option<&dyn CallBudgets> {
        Some(self)
    }
}

impl CallBudgets for JobPolicy<'_> {
    fn purses(&self) -> &Arc<Purses> {
        self.callee.purses()
    }

    fn draws(&self, tokens: u64) -> Vec<Draw> {
        budget::draws(self.callee, self.job, tokens)
    }

    fn used_up(&self, used_up: &UsedUp) -> ModelError {
        budget::used_up(self.callee, self.job, used_up)
    }
}
