//! Configuration of a run, as the user sent it and as its jobs need it.

mod fault;
mod job;
mod numbers;
mod run;
#[cfg(feature = "openapi")]
mod schema;
mod scoring;

pub use fault::ConfigFault;
pub use job::JobConfig;
pub use run::RunConfig;
pub use scoring::{Scorer, Scoring};
