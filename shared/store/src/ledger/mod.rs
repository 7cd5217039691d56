//! The decisions about runs, without I/O.
//!
//! An implementation loads the rows that a decision is about under the lock of the run's row, asks here, and
//! writes back what it is told, all in one transaction. So PostgreSQL and `SQLite` cannot disagree about what a
//! batch of messages or a transition means.

mod event;
mod feed;
mod intake;
mod page;
mod record;
mod run;
mod transition;

#[cfg(test)]
mod tests;

pub use intake::{Intake, News};
pub use page::{NewPage, read_page};
pub use run::{OpenRun, OpenRuns};
pub use transition::{Move, plan};
