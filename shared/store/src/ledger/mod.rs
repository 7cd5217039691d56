//! Decisions about runs, without I/O.
//!
//! An implementation loads the rows for a decision under the lock of the run's row, calls the decision, and writes
//! the changed rows back, all in one transaction. So a batch of messages or a transition has the same meaning over
//! PostgreSQL and `SQLite`.

mod batch;
mod bounds;
mod evaluation;
mod event;
mod feed;
mod lost;
mod page;
mod record;
mod run;
mod transition;
mod usage;

#[cfg(test)]
mod tests;

pub use batch::{BatchPlan, ItemKey, NewRows};
pub use evaluation::{died_too_often, sample_results, samples_fit};
pub use lost::{Chunk, chunks};
pub use page::{NewPage, read_page};
pub use run::{LockedRun, LockedRuns};
pub use transition::{Move, plan};
