use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::RunId;

use crate::StoreError;

/// Webhook of a run, and the state of the delivery of the run's last end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookRow {
    pub run_id: RunId,
    pub url: String,
    /// Number of the run's end, from 1. A run that goes on after its end ends again, which is a delivery of its own.
    pub ends: u32,
    pub attempts: u32,
    /// Time of the first attempt; `None` before it.
    pub first_at: Option<Timestamp>,
    /// Earliest time of the next attempt.
    pub due_at: Timestamp,
    pub delivered_at: Option<Timestamp>,
    /// Time of the failed attempt after which no further one is made.
    pub abandoned_at: Option<Timestamp>,
    pub last_error: Option<String>,
}

impl WebhookRow {
    /// Returns the webhook of a run that was just created.
    pub fn new(run_id: RunId, url: String, created_at: Timestamp) -> Self {
        Self {
            run_id,
            url,
            ends: 1,
            attempts: 0,
            first_at: None,
            due_at: created_at,
            delivered_at: None,
            abandoned_at: None,
            last_error: None,
        }
    }
}

/// Webhooks of runs. [`RunWriter::create_run`](crate::RunWriter::create_run) makes one; it goes with its run. When a
/// run that had ended goes on, its webhook begins anew with the next of its `ends`, in the same transaction.
#[async_trait]
pub trait Webhooks: Send + Sync {
    async fn webhook(&self, run_id: RunId) -> Result<Option<WebhookRow>, StoreError>;

    /// Returns webhooks of runs that have ended, neither delivered nor abandoned and due at `now`, the longest due first,
    /// at most `limit`.
    async fn due_webhooks(&self, now: Timestamp, limit: u32) -> Result<Vec<WebhookRow>, StoreError>;

    /// Records what came of an attempt. Changes nothing if the end was delivered by another process, or if the run has gone
    /// on since.
    async fn record_webhook(&self, row: &WebhookRow) -> Result<(), StoreError>;
}
