//! A run's configuration, as the user sent it and as its jobs need it.

mod fault;
mod job;
mod run;
mod scoring;

pub use fault::ConfigFault;
pub use job::JobConfig;
pub use run::RunConfig;
pub use scoring::{Scorer, Scoring};
