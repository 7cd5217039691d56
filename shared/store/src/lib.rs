//! The state of runmill: one port for each concern, over PostgreSQL ([`postgres`]) and `SQLite` ([`sqlite`]).
//!
//! The contract of each port is in its documentation and in `conformance` (feature `testing`), which both
//! implementations pass. Times are parameters, because an implementation reads no clock.

mod columns;
#[cfg(feature = "testing")]
pub mod conformance;
mod dataset;
mod dataset_hash;
mod error;
mod ledger;
mod migrations;
mod port;
pub mod postgres;
mod run;
pub mod sqlite;
mod tables;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod time;

use std::sync::Arc;

pub use dataset::interactive_dataset_id;
pub use dataset_hash::DatasetHash;
pub use error::StoreError;
pub use port::{
    answers::{AnswerHashes, AnswerIndex, JobPlace, RequestHash, UnindexedRun},
    audit::AuditLog,
    batches::{BatchContent, BatchProtocol, BatchRow, Batches, CreatedBatch, ResultFile},
    budgets::{BudgetReader, Budgets, Slice, Taken},
    datasets::{DatasetReader, DatasetWriter, ItemReader, Lines, NewDataset, StoredItem},
    evaluations::{ClaimedEvaluation, DEATHS_MAX, EvaluationClaims, Evaluations, NewEvaluation},
    events::{EventPage, EventReader},
    exchange::{
        Answer, Ask, Beat, Claim, Decision, Exchange, Exchanged, ExecutorReader, FleetReader, FleetState,
        Holder, Holding, Peer, Talk,
    },
    feed::{ActiveRun, ActiveRuns, DueJob, Feed},
    files::{FileLines, FileRow, Files, LineFault},
    job_states::{JobState, JobStates},
    leader::{Lead, Leader},
    logs::{LogBatch, LogEntry, LogWriter, Written},
    providers::{
        NewSecret, ProviderReader, ProviderRow, ProviderWriter, SealedSecret, SecretKind, SecretOwner,
        SecretRotation, UnknownSecretKind,
    },
    results::{
        DetailedRow, JobScore, JudgedRow, ResultFilter, ResultReader, SLOWEST_MAX, ScoreFields, StoredAnswer,
    },
    retention::Retention,
    runs::{CreatedRun, RunReader, RunVersion, RunWriter, Transition},
    scaling::{Need, ScalingNeeds},
    series::SeriesReader,
    server_time::ServerTime,
    settings::{SettingsReader, SettingsWriter},
    tokens::{TokenBudget, TokenRow, Tokens},
    usage::{TokenKey, UsageKey, UsageReader, UsageSum},
    webhooks::{WebhookRow, Webhooks},
};
pub use run::{
    Cursor, JudgeNote, Pause, Rescore, Rescores, Rescoring, Resumption, RetryNote, RunRow, RunStats,
    SeriesPoint, Submission, Times, VERSIONS_MAX,
};

/// The ports of an executor: it reads what its jobs need, takes slices of budgets, claims runs of LightEval, and exchanges
/// heartbeats with the others.
pub trait ExecutorStore:
    ProviderReader + SettingsReader + ItemReader + ActiveRuns + JobStates + Exchange + Budgets + EvaluationClaims
{
}

impl<T> ExecutorStore for T where
    T: ProviderReader
        + SettingsReader
        + ItemReader
        + ActiveRuns
        + JobStates
        + Exchange
        + Budgets
        + EvaluationClaims
{
}

/// The ports of a dispatcher: it serves the API and feeds jobs, and records neither results nor heartbeats.
pub trait DispatcherStore:
    ProviderReader
    + ProviderWriter
    + SettingsReader
    + SettingsWriter
    + DatasetReader
    + DatasetWriter
    + ItemReader
    + RunReader
    + RunWriter
    + ActiveRuns
    + Feed
    + Leader
    + EventReader
    + SeriesReader
    + ResultReader
    + AnswerIndex
    + Retention
    + ExecutorReader
    + FleetReader
    + BudgetReader
    + Tokens
    + AuditLog
    + Files
    + Batches
    + UsageReader
    + Webhooks
    + ScalingNeeds
    + Evaluations
{
}

impl<T> DispatcherStore for T where
    T: ProviderReader
        + ProviderWriter
        + SettingsReader
        + SettingsWriter
        + DatasetReader
        + DatasetWriter
        + ItemReader
        + RunReader
        + RunWriter
        + ActiveRuns
        + Feed
        + Leader
        + EventReader
        + SeriesReader
        + ResultReader
        + AnswerIndex
        + Retention
        + ExecutorReader
        + FleetReader
        + BudgetReader
        + Tokens
        + AuditLog
        + Files
        + Batches
        + UsageReader
        + Webhooks
        + ScalingNeeds
        + Evaluations
{
}

/// All ports of a database, for a process that hands them to its services. A log-sink needs [`LogWriter`] alone.
pub trait Store: ExecutorStore + DispatcherStore + LogWriter + SecretRotation + ServerTime {}

impl<T: ExecutorStore + DispatcherStore + LogWriter + SecretRotation + ServerTime> Store for T {}

pub type SharedStore = Arc<dyn Store>;
