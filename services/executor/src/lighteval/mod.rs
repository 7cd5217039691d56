//! Executes runs with LightEval: claims one at a time, runs the program, and publishes what it found for the log-sinks.
//!
//! The claim is a lease, which is renewed every second. LightEval is killed as soon as the renewal says that the run has ended
//! or is another executor's, and when this process has not reached the store for the length of the lease.

mod findings;
mod log_lines;
mod order;

use std::{sync::Arc, time::Duration};

use runmill_broker::{Envelope, PublishError};
use runmill_lighteval::{LogLine, Program};
use runmill_proto::{
    RunId,
    message::{Evaluation, EvaluationPart},
};
use runmill_runtime::Clock;
use runmill_store::{ClaimedEvaluation, ExecutorStore};
use runmill_vault::Opener;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use self::{log_lines::LogLines, order::Prepared};
use crate::logs::LogPublisher;

/// Interval between two looks for a run.
const CLAIM_EVERY: Duration = Duration::from_secs(2);
/// Interval between two renewals. A canceled run is noticed by them.
const RENEW_EVERY: Duration = Duration::from_secs(1);
/// Time for which a run stays claimed by an executor that is dead or frozen.
const LEASE: Duration = Duration::from_secs(15);
/// Longest time that a renewal may take.
const RENEWAL_TIMEOUT: Duration = Duration::from_secs(3);
/// Time before the end of the lease at which LightEval is killed, so that no two executors call the model at once.
const KILL_MARGIN: Duration = Duration::from_secs(2);
/// Interval between two messages with lines of LightEval's log.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// Runs LightEval for one run at a time.
pub struct Evaluator {
    pub name: String,
    pub program: Program,
    pub store: Arc<dyn ExecutorStore>,
    pub opener: Opener,
    pub logs: LogPublisher,
    pub clock: Clock,
    pub stop: CancellationToken,
}

impl Evaluator {
    /// Executes runs until the stop. Then LightEval is killed and its run given back, because it may take hours: another
    /// executor begins it anew.
    pub async fn run(self) -> anyhow::Result<()> {
        while !self.stop.is_cancelled() {
            match self.store.claim_evaluation(&self.name, LEASE, self.clock.now()).await {
                Ok(Some(claimed)) => self.execute(&claimed).await,
                Ok(None) => self.pause().await,
                Err(error) => {
                    tracing::warn!(event = "lighteval.not_claimed", %error);
                    self.pause().await;
                }
            }
        }
        Ok(())
    }

    async fn pause(&self) {
        self.stop.run_until_cancelled(sleep(CLAIM_EVERY)).await;
    }

    async fn execute(&self, claimed: &ClaimedEvaluation) {
        let (run_id, attempt) = (claimed.run_id, claimed.attempt);
        tracing::info!(event = "lighteval.began", %run_id, attempt);
        let mut is_published = false;
        let work = async {
            let parts = self.evaluate(claimed).await;
            is_published = self.publish_all(run_id, attempt, parts).await;
            if is_published {
                // The claim is kept until a log-sink has ended the run: nobody else may begin it anew.
                std::future::pending::<()>().await;
            }
        };
        let end = tokio::select! {
            end = self.keep(claimed) => end,
            () = self.stop.cancelled() => "the executor stops",
            () = work => "the process ends before its findings are published",
        };
        // LightEval has ended with the future above.
        tracing::info!(event = "lighteval.ended", %run_id, attempt, reason = end);
        if !is_published && let Err(error) = self.store.release_evaluation(run_id, attempt).await {
            tracing::warn!(event = "lighteval.not_released", %run_id, %error, "the claim ends by itself");
        }
    }

    /// Renews the claim. Returns the reason when it is lost, or when the run has ended.
    async fn keep(&self, claimed: &ClaimedEvaluation) -> &'static str {
        let mut held_until = Instant::now() + LEASE;
        loop {
            match timeout_at(held_until - KILL_MARGIN, self.renewed(claimed)).await {
                Ok(Some(asked_at)) => held_until = asked_at + LEASE,
                Ok(None) => return "the run has ended, or is claimed by another executor",
                Err(_) => return "the claim could not be renewed",
            }
        }
    }

    /// Waits for the next renewal that the store answers. Returns the time at which it was asked, or `None` if the claim has
    /// ended.
    async fn renewed(
        &self,
        ClaimedEvaluation { run_id, attempt, .. }: &ClaimedEvaluation,
    ) -> Option<Instant> {
        loop {
            sleep(RENEW_EVERY).await;
            let asked_at = Instant::now();
            let renewal = self.store.renew_evaluation(*run_id, *attempt, LEASE, self.clock.now());
            match timeout(RENEWAL_TIMEOUT, renewal).await {
                Ok(Ok(is_held)) => return is_held.then_some(asked_at),
                Ok(Err(error)) => tracing::warn!(event = "lighteval.not_renewed", %run_id, %error),
                Err(_) => {
                    tracing::warn!(event = "lighteval.not_renewed", %run_id, error = "no answer in time");
                }
            }
        }
    }

    /// Runs LightEval. Returns the parts that end the run: its samples and metrics, or the reason why there are none.
    async fn evaluate(&self, claimed: &ClaimedEvaluation) -> Vec<EvaluationPart> {
        let prepared = match Prepared::new(claimed, &self.opener) {
            Ok(prepared) => prepared,
            Err(reason) => return vec![EvaluationPart::Failed { reason }],
        };
        let lines = LogLines::default();
        let on_line = |LogLine(line): &LogLine| lines.push(prepared.without_key(line));
        let never = CancellationToken::new();
        let ended = tokio::select! {
            ended = self.program.run(&prepared.order, on_line, &never) => ended,
            never = self.tell(claimed, &lines) => never,
        };
        self.tell_rest(claimed, &lines).await;
        match ended {
            Ok(evaluation) => findings::parts(evaluation, |text| prepared.without_key(text)),
            Err(error) => vec![EvaluationPart::Failed { reason: prepared.without_key(&error.to_string()) }],
        }
    }

    /// Publishes lines of the log as they come.
    async fn tell<T>(&self, claimed: &ClaimedEvaluation, lines: &LogLines) -> T {
        loop {
            sleep(TELL_EVERY).await;
            self.tell_rest(claimed, lines).await;
        }
    }

    async fn tell_rest(&self, claimed: &ClaimedEvaluation, lines: &LogLines) {
        if let Some((number, lines)) = lines.take() {
            let part = EvaluationPart::Lines { number, lines };
            // Lines that the broker does not take are of less worth than what comes after them.
            let _lost = self.publish(claimed.run_id, claimed.attempt, part).await;
        }
    }

    /// Publishes the parts that end a run. Returns true once the broker has confirmed all of them.
    async fn publish_all(&self, run_id: RunId, attempt: u32, parts: Vec<EvaluationPart>) -> bool {
        for part in parts {
            match self.publish(run_id, attempt, part).await {
                Ok(true) => {}
                Ok(false) => return false,
                Err(error) => {
                    let reason = format!("the samples cannot be sent: {error}");
                    let failed = self.publish(run_id, attempt, EvaluationPart::Failed { reason }).await;
                    return failed.unwrap_or_default();
                }
            }
        }
        true
    }

    async fn publish(&self, run_id: RunId, attempt: u32, part: EvaluationPart) -> Result<bool, PublishError> {
        let message = Evaluation { run_id, attempt, part };
        self.logs.publish_until_confirmed(run_id, Envelope::new(&message)).await
    }
}
