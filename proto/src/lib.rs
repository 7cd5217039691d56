//! What runmill's parts say to each other: ids, messages and the types of the HTTP API.
//!
//! Nothing here does I/O, reads a clock or knows a service. A change to a message is a change of
//! the wire: add a field with a default, or a new version; see [`codec`].

pub mod api;
pub mod codec;
mod config;
mod id;
mod item;
mod latency;
pub mod message;
mod outcome;
mod stats;
mod usage;

pub use config::{ConfigFault, Generation, JobConfig, RunConfig, Scorer, Scoring, Stop};
pub use id::{DatasetId, InvocationId, ParseIdError, ProviderId, RunId};
pub use item::{Answer, Image, Inputs, Item, ItemFault, ItemType};
pub use latency::Latencies;
pub use outcome::{ErrorKind, Outcome, RunStatus, Score};
pub use stats::{RunStats, ScoreSummary};
pub use usage::Usage;
