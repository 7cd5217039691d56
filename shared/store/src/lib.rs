//! What runmill remembers: ports by concern, over PostgreSQL ([`postgres`]) and `SQLite` ([`sqlite`]).
//!
//! The contract of each port is in its documentation and in `conformance` (feature `testing`), which both implementations
//! pass. Times come in as parameters: an implementation reads no clock.

#[cfg(feature = "testing")]
pub mod conformance;
mod dataset;
mod dataset_hash;
mod error;
mod ledger;
mod port;
pub mod postgres;
mod run;
pub mod sqlite;
mod time;
mod word;

use std::sync::Arc;

pub use dataset_hash::DatasetHash;
pub use error::StoreError;
pub use port::{
    datasets::{Datasets, Lines, NewDataset, StoredItem},
    events::{EventPage, Events, RunVersion},
    executors::Executors,
    feed::{ActiveRun, DueJob, Feed, Lead, Leader},
    providers::{NewSecret, ProviderRow, Providers, SealedSecret, SecretKind, SecretOwner},
    results::{LogBatch, LogEntry, Results, Written},
    runs::{CreatedRun, RunRow, Runs, Transition},
    settings::SettingsStore,
};

/// What an executor may do here: read what it works from, and say that it lives.
pub trait ExecutorStore: Providers + SettingsStore + Datasets + Feed + Executors {}

impl<T: Providers + SettingsStore + Datasets + Feed + Executors> ExecutorStore for T {}

/// Everything one database does. Services take the narrower ports that they need.
pub trait Store: ExecutorStore + Runs + Leader + Results + Events {}

impl<T: ExecutorStore + Runs + Leader + Results + Events> Store for T {}

pub type SharedStore = Arc<dyn Store>;
