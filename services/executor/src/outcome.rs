use std::{fmt::Display, time::Duration};

use jiff::{SignedDuration, Timestamp};
use runmill_broker::BrokerError;
use runmill_llm::{ChatResponse, Invoked, ModelError, Unanswered};
use runmill_proto::{
    ErrorKind, InvocationId, Item, Outcome,
    message::{Call, Deferred, Invocation, Job},
};
use uuid::Uuid;

/// What is said of a job to the log-sinks.
pub enum Report {
    Ended(Box<Invocation>),
    Deferred(Box<Deferred>),
}

/// How a job ends: turns what happened into what is reported.
#[derive(Clone, Copy)]
pub struct End<'a> {
    pub job: &'a Job,
    pub now: Timestamp,
    pub item: Option<&'a Item>,
}

impl<'a> End<'a> {
    pub const fn new(job: &'a Job, now: Timestamp) -> Self {
        Self { job, now, item: None }
    }

    /// The same, once the item could be read.
    pub const fn of_item(self, item: &'a Item) -> Self {
        Self { item: Some(item), ..self }
    }

    /// Failed before anything was called.
    pub fn failed(&self, kind: ErrorKind, reason: &dyn Display) -> Report {
        let failed = self.invocation(self.no_call(), Outcome::Failed);
        Report::ended(Invocation { error_kind: Some(kind), error: Some(reason.to_string()), ..failed })
    }

    /// The run was canceled before anything was called.
    pub fn canceled(&self) -> Report {
        Report::ended(self.invocation(self.no_call(), Outcome::Canceled))
    }

    /// Not now: nothing was called, and nothing is charged.
    pub fn put_off(&self, after: Duration, reason: &str) -> Report {
        Report::deferred(self.deferred(self.no_call(), after, reason.to_owned()))
    }

    /// Nothing was called, and nothing can be called for the run until someone acts: it is to be paused, and tried again
    /// after that time.
    pub fn stopped(&self, after: Duration, reason: &dyn Display) -> Report {
        let deferred = self.deferred(self.no_call(), after, reason.to_string());
        Report::deferred(Deferred { pause: true, ..deferred })
    }

    /// What came of a call; `None` if it never began, so that another executor may have the job. A job that was deferred
    /// `deferrals_max` times before is not deferred again.
    pub fn invoked(&self, invoked: &Invoked, run_canceled: bool, deferrals_max: u32) -> Option<Report> {
        let call =
            invoked.call(InvocationId::from_uuid(Uuid::now_v7()), self.job.provider_id, &self.job.model);
        let report = match &invoked.result {
            Ok(response) => Report::ended(self.answered(call, response)),
            Err(Unanswered::Failed(error)) => self.unanswered(call, error),
            Err(Unanswered::Deferred { error, .. }) if self.job.attempt >= deferrals_max => {
                self.unanswered(call, error)
            }
            Err(Unanswered::Deferred { after, error }) => {
                let deferred = self.deferred(call, *after, error.to_string());
                Report::deferred(Deferred { failures: invoked.failures, ..deferred })
            }
            Err(Unanswered::LaneStopped { after, error }) => {
                let deferred = self.deferred(call, *after, error.to_string());
                Report::deferred(Deferred { failures: invoked.failures, pause: true, ..deferred })
            }
            Err(Unanswered::Interrupted) if run_canceled => {
                Report::ended(self.invocation(call, Outcome::Canceled))
            }
            Err(Unanswered::Interrupted) if invoked.attempts.is_empty() => return None,
            Err(Unanswered::Interrupted) => {
                let reason = Deferred::WORKER_SHUTDOWN.to_owned();
                Report::deferred(self.deferred(call, Duration::ZERO, reason))
            }
        };
        Some(report)
    }

    fn unanswered(&self, call: Call, error: &ModelError) -> Report {
        Report::ended(Invocation {
            error_kind: Some(error.kind()),
            error: Some(error.to_string()),
            ..self.invocation(call, Outcome::Failed)
        })
    }

    fn answered(&self, call: Call, response: &ChatResponse) -> Invocation {
        let words = response.refusal.as_ref().filter(|_| response.text.is_empty()).unwrap_or(&response.text);
        let score =
            self.item.and_then(|item| runmill_scoring::score(item, self.job.config.scoring.as_ref(), words));
        Invocation {
            response: Some(words.clone()),
            reasoning: response.reasoning.clone(),
            tool_calls: response.tool_calls.clone(),
            logprobs: response.logprobs.clone(),
            score,
            ..self.invocation(call, response.outcome())
        }
    }

    fn invocation(&self, call: Call, outcome: Outcome) -> Invocation {
        let job = self.job;
        Invocation {
            run_id: job.run_id,
            ordinal: job.ordinal,
            sample: job.sample,
            epoch: job.epoch,
            item_id: self.item.map(|item| item.id.clone()).unwrap_or_default(),
            question: self.item.map(|item| Invocation::preview(&item.inputs.text)).unwrap_or_default(),
            call,
            outcome,
            error_kind: None,
            error: None,
            response: None,
            reasoning: None,
            tool_calls: Vec::new(),
            logprobs: None,
            score: None,
        }
    }

    fn deferred(&self, call: Call, after: Duration, reason: String) -> Deferred {
        let job = self.job;
        // A wait that overflows the calendar would never end; a day is the longest that a provider's word is taken for.
        let wait = SignedDuration::try_from(after).unwrap_or(WAIT_MAX).min(WAIT_MAX);
        Deferred {
            run_id: job.run_id,
            ordinal: job.ordinal,
            sample: job.sample,
            epoch: job.epoch,
            attempt: job.attempt,
            failures: job.failures,
            not_before: self.now.saturating_add(wait).unwrap_or(self.now),
            reason,
            pause: false,
            call,
        }
    }

    fn no_call(&self) -> Call {
        Call {
            id: InvocationId::from_uuid(Uuid::now_v7()),
            provider_id: self.job.provider_id,
            model: self.job.model.clone(),
            attempts: Vec::new(),
            usage: None,
            started_at: self.now,
            latency_ms: 0,
            ttft_ms: None,
            streamed: false,
            cost_nanousd: None,
        }
    }
}

const WAIT_MAX: SignedDuration = SignedDuration::from_hours(24);

impl Report {
    fn ended(invocation: Invocation) -> Self {
        Self::Ended(Box::new(invocation))
    }

    fn deferred(deferred: Deferred) -> Self {
        Self::Deferred(Box::new(deferred))
    }
}

/// A settling that fails is no fault: the broker delivers it again, and what was recorded is recognised.
pub fn settled(settled: Result<(), BrokerError>) {
    if let Err(error) = settled {
        tracing::warn!(event = "executor.settle_failed", %error, "it will come again");
    }
}
