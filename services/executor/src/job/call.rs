use runmill_llm::{CallBudgets, CallPolicy, ChatResponse, Interrupts, PolicySource};
use runmill_proto::message::Job;
use tokio_util::sync::CancellationToken;

use super::{
    Ending, Pipeline,
    end::{End, JobLog},
    prepare::Prepared,
};
use crate::{
    charge::{self, Budgets, Charge},
    environment::{RunState, RunTokens, Spender},
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
        let (run_id, spender) = (job.run_id, Spender::OfRun(job.run_id));
        let charge = Charge { callee, run_id, spender, model: &job.model };
        let budgets = Budgets::of(charge);
        let policy = JobPolicy { charge, job, fleet: &self.fleet, estimated_output };
        let RunTokens { between_attempts, at_once } = self.environment.run_tokens(job.run_id);
        let interrupts = Interrupts { before_start: stop.clone(), between_attempts, at_once };
        let invoked = callee.client.invoke_until(request, &policy, &interrupts).await;
        self.open_files.note(&invoked.attempts);
        if let Ok(ChatResponse { usage: Some(usage), .. }) = &invoked.result {
            self.output_tokens.note(job.run_id, usage.completion_tokens);
        }
        let invoked = charge::recheck_settings(invoked, callee).await;
        let invoked = budgets.recheck(&self.environment, invoked).await;
        let end = End { now: self.environment.clock.now(), ..*end };
        let canceled = self.environment.run_state(job.run_id) == RunState::Canceled;
        if charge::stops(&invoked, budgets.run) {
            return Ok(end.budget_stopped(&invoked));
        }
        let deferrals_max = callee.settings().retry.max_deferrals;
        end.invoked(&invoked, canceled, deferrals_max).ok_or(Ending::Requeue)
    }
}

/// Policy of a job by the current settings.
struct JobPolicy<'a> {
    charge: Charge<'a>,
    job: &'a Job,
    fleet: &'a Fleet,
    estimated_output: Option<u64>,
}

impl PolicySource for JobPolicy<'_> {
    fn policy(&self) -> CallPolicy {
        CallPolicy {
            failed_before: self.job.failures,
            deadline: self.job.deadline,
            ..self.charge.callee.policy()
        }
    }

    /// A job may wait for its slot for long. If this process was frozen meanwhile, others have the job.
    fn may_start(&self) -> bool {
        self.fleet.is_fresh()
    }

    fn estimated_output(&self) -> Option<u64> {
        self.estimated_output
    }

    fn budgets(&self) -> Option<&dyn CallBudgets> {
        Some(&self.charge)
    }
}
