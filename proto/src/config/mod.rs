//! Configuration of a run, as the user sent it and as its jobs need it.

mod fault;
mod job;
mod judge;
mod numbers;
mod reuse;
mod run;
#[cfg(feature = "openapi")]
mod schema;
mod scorers;
mod scoring;
mod unscored;
mod variation;

pub use fault::ConfigFault;
pub use job::JobConfig;
pub use judge::{Judge, JudgedPart, Judging, Scale, VerdictForm};
pub use reuse::Reuse;
pub use run::RunConfig;
pub use scoring::{Scorer, Scoring};
pub use unscored::Unscored;
pub use variation::{Strategy, Variation};
